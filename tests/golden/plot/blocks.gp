# Made by mprof plot. Self-contained: gnuplot FILE > picture
set encoding utf8
set terminal pngcairo size 1400,760 font 'Sans,9' background rgb '#ffffff' noenhanced
set lmargin at screen 0.05571429; set rmargin at screen 0.9814286
set tmargin at screen 0.9157895; set bmargin at screen 0.07368421
set xrange [0:10] noextend
set yrange [-15.62661:109.3862] noextend
set border 0
set key off
set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font 'Sans,9'
set xtics ("0" 0, "2" 2, "4" 4, "6" 6, "8" 8, "10" 10)
set ytics ("0" 0, "50" 50, "100" 100)
set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1
set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1
set object rectangle from screen 0.8425714, screen 0.875 to screen 0.9714286, screen 0.9065789 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.8454286, screen 0.8907895 to screen 0.8625714, screen 0.8907895 nohead front lc rgb '#0b5394' lw 2.2
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   10.0 s   ·   40 samples   ·   peak 100 MiB at 4.87 s" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.5473684 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "block 0" at screen 0.05857143, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 1  1.80 s" at screen 0.1511429, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 2  2.80 s" at screen 0.2437143, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 3" at screen 0.3362857, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 4  1.80 s" at screen 0.4288571, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 5  2.80 s" at screen 0.5214286, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 6" at screen 0.614, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 7  1.80 s" at screen 0.7065714, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "block 0" at screen 0.05928571, screen 0.1546053 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 1  1.80 s" at screen 0.1518571, screen 0.1230263 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 2  2.80 s" at screen 0.2444286, screen 0.1546053 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 3" at screen 0.337, screen 0.1230263 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 4  1.80 s" at screen 0.4295714, screen 0.1230263 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 5  2.80 s" at screen 0.5221429, screen 0.09144737 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 6" at screen 0.6147143, screen 0.1546053 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "block 7  1.80 s" at screen 0.7072857, screen 0.1230263 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "peak 100 MiB at 4.87 s" at screen 0.5138466, screen 0.8708987 left noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "main process   100 MiB" at screen 0.8682857, screen 0.8907895 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$bands << EOD
0.4 54.69312 0 0.8 0 109.3862 0xfcf3da
1.9 54.69312 1 2.8 0 109.3862 0xfcf3da
3.4 54.69312 2 4.8 0 109.3862 0xfcf3da
3.4 54.69312 3 3.8 0 109.3862 0xfcf3da
4.9 54.69312 4 5.8 0 109.3862 0xfcf3da
6.4 54.69312 5 7.8 0 109.3862 0xfcf3da
6.4 54.69312 6 6.8 0 109.3862 0xfcf3da
7.9 54.69312 7 8.8 0 109.3862 0xfcf3da
EOD
$bars << EOD
0.4 -3.613653 0 0.8 -5.664645 -1.562661 0xf7d560
1.9 -8.301635 1 2.8 -10.35263 -6.250643 0xf7d560
3.4 -3.613653 2 4.8 -5.664645 -1.562661 0xf7d560
3.4 -8.301635 3 3.8 -10.35263 -6.250643 0xf7d560
4.9 -8.301635 4 5.8 -10.35263 -6.250643 0xf7d560
6.4 -12.98962 5 7.8 -15.04061 -10.93862 0xf7d560
6.4 -3.613653 6 6.8 -5.664645 -1.562661 0xf7d560
7.9 -8.301635 7 8.8 -10.35263 -6.250643 0xf7d560
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
plot $bands using 1:2:3:4:5:6:7 with boxxyerror fs solid 1.0 noborder lc rgb variable notitle, \
     $bars using 1:2:3:4:5:6:7 with boxxyerror fs solid 1.0 noborder lc rgb variable notitle, \
     $series0 using 1:2 with filledcurves y=0 fs transparent solid 0.10 noborder lc rgb '#0b5394' notitle, \
     $series0 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $across0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak0 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle
