# soak_svg.awk - draws soak.sh's CSV: memory above, descriptors below, requests/s at the foot, over time.
# Every scale begins at 0, so that what is flat looks flat; at most one point per pixel (its greatest value).
BEGIN {
    FS = ","
    left = 90; width = 760; top = 40; height = 130; between = 60
}
NR > 1 {
    last = $1
    for (p = 1; p <= 3; p++) {
        value[NR - 1, p] = p == 1 ? $2 / 1024 : p == 2 ? $3 : $4
        if (value[NR - 1, p] > most[p]) most[p] = value[NR - 1, p]
    }
    second[NR - 1] = $1
}
# The next of 1, 2, 2.5, 5, 10 and so on that is not below.
function round_up(x,   unit) {
    if (x <= 0) return 1
    unit = 10 ^ int(log(x) / log(10) + (x < 1 ? -1 : 0))
    return unit * (x <= unit ? 1 : x <= 2 * unit ? 2 : x <= 2.5 * unit ? 2.5 : x <= 5 * unit ? 5 : 10)
}
function panel(p, name, colour,   y0, scale, i, x, y, last_x, path, high, tick) {
    y0 = top + (p - 1) * (height + between)
    scale = round_up(most[p] * 1.05)
    printf "<text x=\"%d\" y=\"%d\" class=\"name\">%s</text>\n", left, y0 - 10, name
    for (tick = 0; tick <= 4; tick++) {
        y = y0 + height - height * tick / 4
        printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"grid\"/>", left, y, left + width, y
        printf "<text x=\"%d\" y=\"%.1f\" class=\"y\">%g</text>\n", left - 8, y + 4, scale * tick / 4
    }
    last_x = -1
    for (i = 1; i < NR; i++) {
        x = int(left + width * second[i] / last)
        if (x != last_x && last_x >= 0) path = path sprintf(" %d,%.1f", last_x, y0 + height - height * high / scale)
        if (x != last_x) high = 0
        if (value[i, p] > high) high = value[i, p]
        last_x = x
    }
    path = path sprintf(" %d,%.1f", last_x, y0 + height - height * high / scale)
    printf "<polyline points=\"%s\" stroke=\"%s\"/>\n", substr(path, 2), colour
}
END {
    if (NR < 3) exit 1
    total = top + 3 * (height + between)
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", \
        left + width + 30, total, left + width + 30, total
    print "<style>text{font:13px sans-serif;fill:#333}.name{font-weight:bold}.y{text-anchor:end}.x{text-anchor:middle}" \
        ".grid{stroke:#ddd}polyline{fill:none;stroke-width:1.5}</style>"
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    panel(1, "resident memory, MiB", "#1f6fb2")
    panel(2, "open descriptors", "#b2541f")
    panel(3, "requests/s, by the target's count", "#3a8a3a")
    for (tick = 0; tick <= 6; tick++) {
        label = last >= 360 ? sprintf("%g min", int(last * tick / 6 / 6 + 0.5) / 10) : sprintf("%g s", int(last * tick / 6 * 10 + 0.5) / 10)
        printf "<text x=\"%.1f\" y=\"%d\" class=\"x\">%s</text>\n", left + width * tick / 6, total - between + 20, label
    }
    print "</svg>"
}
