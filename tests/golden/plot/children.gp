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
set object rectangle from screen 0.06571429, screen 0.6470395 to screen 0.2328857, screen 0.8259868 front fs transparent solid 0.8 noborder fc rgb '#ffffff'
set arrow from screen 0.06857143, screen 0.8101974 to screen 0.08571429, screen 0.8101974 nohead front lc rgb '#0b5394' lw 2.2
set arrow from screen 0.06857143, screen 0.7891447 to screen 0.08571429, screen 0.7891447 nohead front lc rgb '#e69f00' lw 1.6
set arrow from screen 0.06857143, screen 0.7680921 to screen 0.08571429, screen 0.7680921 nohead front lc rgb '#4cb2e5' lw 1.6
set arrow from screen 0.06857143, screen 0.7470395 to screen 0.08571429, screen 0.7470395 nohead front lc rgb '#7f4ce5' lw 1.6
set arrow from screen 0.06857143, screen 0.7259868 to screen 0.08571429, screen 0.7259868 nohead front lc rgb '#e54c4c' lw 1.6
set arrow from screen 0.06857143, screen 0.7049342 to screen 0.08571429, screen 0.7049342 nohead front lc rgb '#882255' lw 1.6
set arrow from screen 0.06857143, screen 0.6838816 to screen 0.08571429, screen 0.6838816 nohead front lc rgb '#000000' lw 1.6
set arrow from screen 0.06857143, screen 0.6628289 to screen 0.08571429, screen 0.6628289 nohead front lc rgb '#9a9a9a' lw 1
set label "python train.py --folds 3" at screen 0.05571429, screen 0.9710526 left noenhanced font 'Sans Bold,13' textcolor rgb '#1a1a1a' front
set label "2023-11-14 22:13:20   ·   10.0 s   ·   40 samples   ·   peak 100 MiB at 4.87 s   ·   8 child processes" at screen 0.05571429, screen 0.9421053 left noenhanced font 'Sans,9' textcolor rgb '#6b6b6b' front
set label "time (s)" at screen 0.5185714, screen 0.02105263 center noenhanced font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "memory (MiB)" at screen 0.01428571, screen 0.4947368 center noenhanced rotate by 90 font 'Sans,10.5' textcolor rgb '#4d4d4d' front
set label "peak 100 MiB at 4.87 s" at screen 0.5138466, screen 0.8618541 left noenhanced font 'Sans,10.5' textcolor rgb '#b2182b' front
set label "child 4008 peak 90.0 MiB" at screen 0.7802857, screen 0.7848792 left noenhanced font 'Sans,9' textcolor rgb '#555555' front
set label "main process   100 MiB" at screen 0.09142857, screen 0.8101974 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "child 4008   90.0 MiB" at screen 0.09142857, screen 0.7891447 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "child 4007   80.0 MiB" at screen 0.09142857, screen 0.7680921 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "child 4006   70.0 MiB" at screen 0.09142857, screen 0.7470395 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "child 4005   60.0 MiB" at screen 0.09142857, screen 0.7259868 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "child 4004   50.0 MiB" at screen 0.09142857, screen 0.7049342 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "child 4003   40.0 MiB" at screen 0.09142857, screen 0.6838816 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
set label "2 more children   up to 30.0 MiB" at screen 0.09142857, screen 0.6628289 left noenhanced font 'Sans,9' textcolor rgb '#333333' front
$others << EOD
1 4
1.2632 4.110854
1.5263 4.440344
1.7895 4.97934
2.0526 5.712902
2.3158 6.620702
2.5789 7.677582
2.8421 8.854251
3.1053 10.1181
3.3684 11.4341
3.6316 12.76579
3.8947 14.07625
4.1579 15.32917
4.4211 16.48983
4.6842 17.52606
4.9474 18.40915
5.2105 19.11461
5.4737 19.6229
5.7368 19.91994
6 19.99749

1.25 6
1.5132 6.166281
1.7763 6.660517
2.0395 7.469009
2.3026 8.569353
2.5658 9.931053
2.8289 11.51637
3.0921 13.28138
3.3553 15.17715
3.6184 17.15115
3.8816 19.14868
4.1447 21.11438
4.4079 22.99376
4.6711 24.73475
4.9342 26.2891
5.1974 27.61372
5.4605 28.67192
5.7237 29.43436
5.9868 29.87991
6.25 29.99623
EOD
$series2 << EOD
1.5 8
1.7632 8.221708
2.0263 8.880689
2.2895 9.958679
2.5526 11.4258
2.8158 13.2414
3.0789 15.35516
3.3421 17.7085
3.6053 20.2362
3.8684 22.8682
4.1316 25.53158
4.3947 28.1525
4.6579 30.65835
4.9211 32.97967
5.1842 35.05213
5.4474 36.8183
5.7105 38.22922
5.9737 39.24581
6.2368 39.83988
6.5 39.99497
EOD
$series3 << EOD
1.75 10
2.0132 10.27713
2.2763 11.10086
2.5395 12.44835
2.8026 14.28225
3.0658 16.55175
3.3289 19.19395
3.5921 22.13563
3.8553 25.29525
4.1184 28.58526
4.3816 31.91447
4.6447 35.19063
4.9079 38.32294
5.1711 41.22459
5.4342 43.81516
5.6974 46.02287
5.9605 47.78653
6.2237 49.05726
6.4868 49.79985
6.75 49.99371
EOD
$series4 << EOD
2 12
2.2632 12.33256
2.5263 13.32103
2.7895 14.93802
3.0526 17.13871
3.3158 19.86211
3.5789 23.03274
3.8421 26.56275
4.1053 30.3543
4.3684 34.30231
4.6316 38.29736
4.8947 42.22875
5.1579 45.98752
5.4211 49.4695
5.6842 52.5782
5.9474 55.22745
6.2105 57.34384
6.4737 58.86872
6.7368 59.75982
7 59.99246
EOD
$series5 << EOD
2.25 14
2.5132 14.38799
2.7763 15.54121
3.0395 17.42769
3.3026 19.99516
3.5658 23.17246
3.8289 26.87154
4.0921 30.98988
4.3553 35.41335
4.6184 40.01936
4.8816 44.68026
5.1447 49.26688
5.4079 53.65211
5.6711 57.71442
5.9342 61.34123
6.1974 64.43202
6.4605 66.90114
6.7237 68.68017
6.9868 69.71979
7.25 69.9912
EOD
$series6 << EOD
2.5 16
2.7632 16.44342
3.0263 17.76138
3.2895 19.91736
3.5526 22.85161
3.8158 26.48281
4.0789 30.71033
4.3421 35.417
4.6053 40.4724
4.8684 45.73641
5.1316 51.06315
5.3947 56.30501
5.6579 61.3167
5.9211 65.95934
6.1842 70.10426
6.4474 73.6366
6.7105 76.45845
6.9737 78.49162
7.2368 79.67976
7.5 79.98994
EOD
$series7 << EOD
2.75 18
3.0132 18.49884
3.2763 19.98155
3.5395 22.40703
3.8026 25.70806
4.0658 29.79316
4.3289 34.54912
4.5921 39.84413
4.8553 45.53145
5.1184 51.45346
5.3816 57.44605
5.6447 63.34313
5.9079 68.98129
6.1711 74.20426
6.4342 78.86729
6.6974 82.84117
6.9605 86.01576
7.2237 88.30307
7.4868 89.63973
7.75 89.98868
EOD
$series8 << EOD
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
$peak2 << EOD
6.5 39.99497
EOD
$peak3 << EOD
6.75 49.99371
EOD
$peak4 << EOD
7 59.99246
EOD
$peak5 << EOD
7.25 69.9912
EOD
$peak6 << EOD
7.5 79.98994
EOD
$peak7 << EOD
7.75 89.98868
EOD
$peak8 << EOD
4.8718 99.98743
EOD
$across8 << EOD
0 99.98743
10 99.98743
EOD
$down8 << EOD
4.8718 99.98743
4.8718 0
EOD
plot $series8 using 1:2 with filledcurves y=0 fs transparent solid 0.10 noborder lc rgb '#0b5394' notitle, \
     $others using 1:2 with lines lw 1.0 lc rgb '#9a9a9a' notitle, \
     $series2 using 1:2 with lines lw 1.6 lc rgb '#000000' notitle, \
     $series3 using 1:2 with lines lw 1.6 lc rgb '#882255' notitle, \
     $series4 using 1:2 with lines lw 1.6 lc rgb '#e54c4c' notitle, \
     $series5 using 1:2 with lines lw 1.6 lc rgb '#7f4ce5' notitle, \
     $series6 using 1:2 with lines lw 1.6 lc rgb '#4cb2e5' notitle, \
     $series7 using 1:2 with lines lw 1.6 lc rgb '#e69f00' notitle, \
     $series8 using 1:2 with lines lw 2.2 lc rgb '#0b5394' notitle, \
     $peak2 using 1:2 with points pt 7 ps 0.6 lc rgb '#000000' notitle, \
     $peak3 using 1:2 with points pt 7 ps 0.6 lc rgb '#882255' notitle, \
     $peak4 using 1:2 with points pt 7 ps 0.6 lc rgb '#e54c4c' notitle, \
     $peak5 using 1:2 with points pt 7 ps 0.6 lc rgb '#7f4ce5' notitle, \
     $peak6 using 1:2 with points pt 7 ps 0.6 lc rgb '#4cb2e5' notitle, \
     $peak7 using 1:2 with points pt 7 ps 0.6 lc rgb '#e69f00' notitle, \
     $across8 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $down8 using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b' notitle, \
     $peak8 using 1:2 with points pt 7 ps 0.9 lc rgb '#b2182b' notitle
