# Made by mprof plot. Self-contained: gnuplot FILE > picture
set encoding utf8
set terminal pngcairo size 1400,760 font 'Sans,9' background rgb '#ffffff' noenhanced
set lmargin at screen 0.05571429; set rmargin at screen 0.9814286
set tmargin at screen 0.9157895; set bmargin at screen 0.07368421
set xrange [0:10] noextend
set yrange [0:109.3862] noextend
set border 0
set key off
set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font 'Sans,9'
set xtics ("0" 0, "2" 2, "4" 4, "6" 6, "8" 8, "10" 10)
set ytics ("0" 0, "50" 50, "100" 100)
set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1
set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1
set object rectangle from screen 0.06571429, screen 0.875 to screen 0.1945714, screen 0.9065789 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.06857143, screen 0.8907895 to screen 0.08571429, screen 0.8907895 nohead front lc rgb '#0b5394' lw 2.2
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   10.0 s   ·   40 samples   ·   peak 100 MiB at 4.87 s" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.4947368 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "create index  2.50 s" at screen 0.3825714, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "main  9.00 s" at screen 0.2021679, screen 0.254386 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "load  2.00 s" at screen 0.1518571, screen 0.4508772 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "parse" at screen 0.1703714, screen 0.6473684 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "create index  2.50 s" at screen 0.3832857, screen 0.4508772 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "fit  2.50 s" at screen 0.661, screen 0.4508772 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "peak 100 MiB at 4.87 s" at screen 0.5138466, screen 0.8618541 left noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "main process   100 MiB" at screen 0.09142857, screen 0.8907895 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$bands << EOD
4.75 54.69312 3.5 6 0 109.3862 0xfcf3da
EOD
$bars << EOD
5 12.67627 0.5 9.5 0 25.35254 0xa9cdea
2 38.19973 1 3 25.52346 50.876 0xffc58a
1.55 63.72318 1.2 1.9 51.04691 76.39946 0x9bd990
4.75 38.19973 3.5 6 25.52346 50.876 0xf7d560
7.75 38.19973 6.5 9 25.52346 50.876 0xf4b0bd
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
     $bars using 1:2:3:4:5:6:7 with boxxyerror fs transparent solid 0.55 noborder lc rgb variable notitle, \
     $series0 using 1:2 with filledcurves y=0 fs transparent solid 0.10 noborder lc rgb '#0b5394' notitle, \
     $series0 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $across0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak0 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle
