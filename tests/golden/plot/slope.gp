# Made by mprof plot. Self-contained: gnuplot FILE > picture
set encoding utf8
set terminal pngcairo size 1400,760 font 'Sans,9' background rgb '#ffffff' noenhanced
set lmargin at screen 0.05571429; set rmargin at screen 0.9814286
set tmargin at screen 0.9157895; set bmargin at screen 0.07368421
set xrange [0:19] noextend
set yrange [0:84.238] noextend
set border 0
set key off
set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font 'Sans,9'
set xtics ("0" 0, "5" 5, "10" 10, "15" 15)
set ytics ("0" 0, "20" 20, "40" 40, "60" 60, "80" 80)
set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1
set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1
set object rectangle from screen 0.06571429, screen 0.875 to screen 0.1973143, screen 0.9065789 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.06857143, screen 0.8907895 to screen 0.08571429, screen 0.8907895 nohead front lc rgb '#0b5394' lw 2.2
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   19.0 s   ·   20 samples   ·   peak 77.0 MiB at 19.0 s" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.4947368 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "peak 77.0 MiB at 19.0 s" at screen 0.9742857, screen 0.8618541 right noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "slope +3.00 MiB/s" at screen 0.9742857, screen 0.7381699 right noenhanced font 'Sans,10.5' textcolor rgb '#1a1a1a' front
set label "main process   77.0 MiB" at screen 0.09142857, screen 0.8907895 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$series0 << EOD
0 20
1 23
2 26
3 29
4 32
5 35
6 38
7 41
8 44
9 47
10 50
11 53
12 56
13 59
14 62
15 65
16 68
17 71
18 74
19 77
EOD
$peak0 << EOD
19 77
EOD
$across0 << EOD
0 77
19 77
EOD
$down0 << EOD
19 77
19 0
EOD
$trend0 << EOD
0 20
19 77
EOD
plot $series0 using 1:2 with filledcurves y=0 fs transparent solid 0.10 noborder lc rgb '#0b5394' notitle, \
     $series0 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $across0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak0 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle, \
     $trend0 using 1:2 with lines lw 1.6 dt (6,4) lc rgb '#1a1a1a' notitle
