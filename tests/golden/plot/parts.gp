# Made by mprof plot. Self-contained: gnuplot FILE > picture
set encoding utf8
set terminal pngcairo size 1400,760 font 'Sans,9' background rgb '#ffffff' noenhanced
set lmargin at screen 0.05571429; set rmargin at screen 0.9814286
set tmargin at screen 0.9157895; set bmargin at screen 0.07368421
set xrange [0:10] noextend
set yrange [0:175.04] noextend
set border 0
set key off
set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font 'Sans,9'
set xtics ("0" 0, "2" 2, "4" 4, "6" 6, "8" 8, "10" 10)
set ytics ("0" 0, "50" 50, "100" 100, "150" 150)
set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1
set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1
set object rectangle from screen 0.06571429, screen 0.7023026 to screen 0.2368286, screen 0.8180921 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.06857143, screen 0.8023026 to screen 0.08571429, screen 0.8023026 nohead front lc rgb '#0b5394' lw 2.2
set arrow from screen 0.06857143, screen 0.78125 to screen 0.08571429, screen 0.78125 nohead front lc rgb '#b4a7d6' lw 8
set arrow from screen 0.06857143, screen 0.7601974 to screen 0.08571429, screen 0.7601974 nohead front lc rgb '#f6b26b' lw 8
set arrow from screen 0.06857143, screen 0.7391447 to screen 0.08571429, screen 0.7391447 nohead front lc rgb '#93c47d' lw 8
set arrow from screen 0.06857143, screen 0.7180921 to screen 0.08571429, screen 0.7180921 nohead front lc rgb '#6fa8dc' lw 8
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   10.0 s   ·   40 samples   ·   peak 100 MiB at 4.87 s" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.4947368 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "peak 100 MiB at 4.87 s" at screen 0.5138466, screen 0.5731378 left noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "cgroup limit 160 MiB" at screen 0.9742857, screen 0.8618541 right noenhanced font 'Sans,9' textcolor rgb '#8a4b08' front
set label "main process   100 MiB" at screen 0.09142857, screen 0.8023026 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "swap   9.75 MiB at the end" at screen 0.09142857, screen 0.78125 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "shared   2.09 MiB at the end" at screen 0.09142857, screen 0.7601974 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "file   4.19 MiB at the end" at screen 0.09142857, screen 0.7391447 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "anonymous   14.7 MiB at the end" at screen 0.09142857, screen 0.7180921 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$layers << EOD
0 14 18 20 20
0.2564001 14.38799 18.49884 20.55427 20.80427
0.5128 15.54121 19.98155 22.20172 22.70172
0.7692001 17.42769 22.40703 24.8967 25.6467
1.0256 19.99516 25.70806 28.56451 29.56451
1.2821 23.17246 29.79316 33.10351 34.35351
1.5385 26.87154 34.54912 38.38791 39.88791
1.7949 30.98988 39.84413 44.27125 46.02125
2.0513 35.41335 45.53145 50.5905 52.5905
2.3077 40.01936 51.45346 57.17051 59.42051
2.5641 44.68026 57.44605 63.82894 66.32894
2.8205 49.26688 63.34313 70.38126 73.13126
3.0769 53.65211 68.98129 76.64587 79.64587
3.3333 57.71442 74.20425 82.44917 85.69917
3.5897 61.34123 78.86729 87.63032 91.13032
3.8462 64.43202 82.84117 92.04574 95.79574
4.1026 66.90114 86.01575 95.57306 99.57306
4.359 68.68017 88.30307 98.11452 102.3645
4.6154 69.71979 89.63973 99.5997 104.0997
4.8718 69.9912 89.98868 99.98743 104.7374
5.1282 69.48687 89.34026 99.26696 104.267
5.3846 68.22079 87.71244 97.45827 102.7083
5.641 66.22803 85.15033 94.61147 100.1115
5.8974 63.56383 81.72493 90.80547 96.55547
6.1538 60.30202 77.53117 86.14574 92.14574
6.4103 56.533 72.68528 80.76142 87.01142
6.6667 52.36121 67.32156 74.80173 81.30173
6.9231 47.90228 61.58865 68.43183 75.18183
7.1795 43.27978 55.64543 61.82825 68.82825
7.4359 38.62181 49.65661 55.17401 62.42401
7.6923 34.05746 43.78816 48.65351 56.15351
7.9487 29.71323 38.20272 42.44746 50.19746
8.2051 25.7095 33.05507 36.72786 44.72786
8.4615 22.15725 28.48789 31.65321 39.90321
8.7179 19.1549 24.62773 27.36415 35.86415
8.9744 16.78568 21.58159 23.97954 32.72954
9.2308 15.11523 19.43387 21.59319 30.59319
9.4872 14.18986 18.2441 20.27122 29.52122
9.7436 14.0352 18.04526 20.05028 29.55028
10 14.65555 18.84284 20.93649 30.68649
EOD
$limit0 << EOD
0 160
10 160
EOD
$series0 << EOD
0 20
0.2564001 20.55427
0.5128 22.20172
0.7692001 24.8967
1.0256 28.56451
1.2821 33.10351
1.5385 38.38791
1.7949 44.27125
2.0513 50.5905
2.3077 57.17051
2.5641 63.82894
2.8205 70.38126
3.0769 76.64587
3.3333 82.44917
3.5897 87.63033
3.8462 92.04574
4.1026 95.57306
4.359 98.11453
4.6154 99.5997
4.8718 99.98743
5.1282 99.26696
5.3846 97.45827
5.641 94.61147
5.8974 90.80547
6.1538 86.14575
6.4103 80.76143
6.6667 74.80173
6.9231 68.43183
7.1795 61.82825
7.4359 55.17401
7.6923 48.65351
7.9487 42.44747
8.2051 36.72786
8.4615 31.65321
8.7179 27.36415
8.9744 23.97954
9.2308 21.59319
9.4872 20.27123
9.7436 20.05029
10 20.9365
EOD
$peak0 << EOD
4.8718 99.98743
EOD
$across0 << EOD
0 99.98743
10 99.98743
EOD
$down0 << EOD
4.8718 99.98743
4.8718 0
EOD
plot $layers using 1:2 with filledcurves y=0 fs solid 1.0 noborder lc rgb '#6fa8dc' notitle, \
     $layers using 1:2:3 with filledcurves fs solid 1.0 noborder lc rgb '#93c47d' notitle, \
     $layers using 1:3:4 with filledcurves fs solid 1.0 noborder lc rgb '#f6b26b' notitle, \
     $layers using 1:4:5 with filledcurves fs solid 1.0 noborder lc rgb '#b4a7d6' notitle, \
     $limit0 using 1:2 with lines lw 1.6 dt (3,4) lc rgb '#8a4b08' notitle, \
     $series0 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $across0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak0 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle
