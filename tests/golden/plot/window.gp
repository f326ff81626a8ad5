# Made by mprof plot. Self-contained: gnuplot FILE > picture
set encoding utf8
set terminal pngcairo size 1400,760 font 'Sans,9' background rgb '#ffffff' noenhanced
set lmargin at screen 0.05571429; set rmargin at screen 0.9814286
set tmargin at screen 0.9157895; set bmargin at screen 0.07368421
set xrange [2:7] noextend
set yrange [-10.48909:109.3862] noextend
set border 0
set key off
set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font 'Sans,9'
set xtics ("2" 2, "3" 3, "4" 4, "5" 5, "6" 6, "7" 7)
set ytics ("0" 0, "50" 50, "100" 100)
set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1
set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1
set object rectangle from screen 0.06571429, screen 0.875 to screen 0.1945714, screen 0.9065789 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.06857143, screen 0.8907895 to screen 0.08571429, screen 0.8907895 nohead front lc rgb '#0b5394' lw 2.2
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   10.0 s   ·   40 samples   ·   peak 100 MiB at 4.87 s" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.5315789 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "create index  2.50 s" at screen 0.3362857, screen 0.9026316 left noenhanced font 'Sans,9' textcolor rgb '#7a5c00' front
set label "main  9.00 s" at screen 0.05928571, screen 0.1230263 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "load  2.00 s" at screen 0.05928571, screen 0.09144737 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "create index  2.50 s" at screen 0.337, screen 0.09144737 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "fit  2.50 s" at screen 0.8924286, screen 0.09144737 left noenhanced font 'Sans,9' textcolor rgb '#222222' front
set label "peak 100 MiB at 4.87 s" at screen 0.5945504, screen 0.8681853 left noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "main process   100 MiB" at screen 0.09142857, screen 0.8907895 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$bands << EOD
4.75 54.69312 3.5 6 0 109.3862 0xfcf3da
EOD
$bars << EOD
4.5 -3.465146 2 7 -5.431851 -1.498442 0xa9cdea
2.5 -7.960472 2 3 -9.927176 -5.993767 0xffc58a
4.75 -7.960472 3.5 6 -9.927176 -5.993767 0xf7d560
6.75 -7.960472 6.5 7 -9.927176 -5.993767 0xf4b0bd
EOD
$brackets << EOD
2.98071 31.68575 0xc9670a
3 31.68575 0xc9670a
3 28.31425 0xc9670a
2.98071 28.31425 0xc9670a

6.51929 21.68575 0xc2405c
6.5 21.68575 0xc2405c
6.5 18.31425 0xc2405c
6.51929 18.31425 0xc2405c
EOD
$series0 << EOD
2 49.32615
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
7 66.45127
EOD
$peak0 << EOD
4.8718 99.98743
EOD
$across0 << EOD
2 99.98743
7 99.98743
EOD
$down0 << EOD
4.8718 99.98743
4.8718 0
EOD
plot $bands using 1:2:3:4:5:6:7 with boxxyerror fs solid 1.0 noborder lc rgb variable notitle, \
     $bars using 1:2:3:4:5:6:7 with boxxyerror fs solid 1.0 noborder lc rgb variable notitle, \
     $brackets using 1:2:3 with lines lw 1.8 lc rgb variable notitle, \
     $series0 using 1:2 with filledcurves y=0 fs transparent solid 0.10 noborder lc rgb '#0b5394' notitle, \
     $series0 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $across0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak0 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle
