# Made by mprof plot. Self-contained: gnuplot FILE > picture
set encoding utf8
set terminal pngcairo size 1400,760 font 'Sans,9' background rgb '#ffffff' noenhanced
set lmargin at screen 0.05571429; set rmargin at screen 0.9814286
set tmargin at screen 0.9157895; set bmargin at screen 0.07368421
set xrange [0:0.001] noextend
set yrange [0:13.675] noextend
set border 0
set key off
set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font 'Sans,9'
set xtics ("0.0000" 0, "0.0002" 0.0002, "0.0004" 0.0004, "0.0006" 0.0006, "0.0008" 0.0008, "0.0010" 0.001)
set ytics ("0" 0, "5" 5, "10" 10)
set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1
set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1
set object rectangle from screen 0.06571429, screen 0.875 to screen 0.1973143, screen 0.9065789 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.06857143, screen 0.8907895 to screen 0.08571429, screen 0.8907895 nohead front lc rgb '#0b5394' lw 2.2
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   1.0 ms   ·   1 sample   ·   peak 12.5 MiB at 0 µs" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.4947368 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "peak 12.5 MiB at 0 µs" at screen 0.06285714, screen 0.8618541 left noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "main process   12.5 MiB" at screen 0.09142857, screen 0.8907895 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$series0 << EOD
0 12.5
EOD
$peak0 << EOD
0 12.5
EOD
$across0 << EOD
0 12.5
0.001 12.5
EOD
$down0 << EOD
0 12.5
0 0
EOD
plot $series0 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $series0 using 1:2 with points pt 7 ps 0.6 lc rgb '#0b5394' notitle, \
     $across0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down0 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak0 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle
