# Roots of Debian that debootstrap makes, and what runs in them. Sourced behind lib.sh; needs root.
# shellcheck shell=sh disable=SC2154 # variables are lib.sh's

need_debootstrap() {
    [ "$(id -u)" -eq 0 ] || die "needs root: it enters Debian roots of its own"
    command -v debootstrap >/dev/null 2>&1 || install_packages debootstrap
}

# make_root SUITE FOLDER [ARGUMENT...]: a minimal one, where there is none yet; ARGUMENTS are
# debootstrap's. pip inside trusts what this machine trusts: it goes the same way out.
make_root() {
    make_root_suite=$1 make_root_folder=$2
    shift 2
    if [ ! -x "$make_root_folder/usr/bin/apt-get" ] || [ -d "$make_root_folder/debootstrap" ]; then
        rm -rf "$make_root_folder"
        mkdir -p "$(dirname "$make_root_folder")"
        quietly "debootstrap of Debian $make_root_suite" debootstrap --variant=minbase "$@" \
            "$make_root_suite" "$make_root_folder"
    fi
    [ ! -f /etc/ssl/certs/ca-certificates.crt ] ||
        cp -L /etc/ssl/certs/ca-certificates.crt "$make_root_folder/etc/trusted.crt"
}

# in_root FOLDER COMMAND...: with its own /proc and this machine's /dev, and without the environment
# of here; without a network where $offline is set.
in_root() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private ${offline:+--net} sh -c '
        root=$1 && shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 1
        [ ! -f "$root/etc/trusted.crt" ] || set -- PIP_CERT=/etc/trusted.crt "$@"
        exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            HOME=/root PIP_DEFAULT_TIMEOUT=180 "$@"
    ' sh "$@"
}

# in_root_apt FOLDER ARGUMENT...: apt-get in it. The index of a frozen mirror is older than its own
# date allows.
in_root_apt() {
    in_root_apt_folder=$1
    shift
    in_root "$in_root_apt_folder" env DEBIAN_FRONTEND=noninteractive apt-get -y \
        --no-install-recommends -o Acquire::Check-Valid-Until=false "$@"
}

# copy_project FOLDER: what a checkout holds, and nothing that was built.
copy_project() {
    rm -rf "$1"
    mkdir -p "$1"
    git -C "$root" ls-files -z --cached --others --exclude-standard |
        tar -C "$root" --null --ignore-failed-read -T - -cf - | tar -C "$1" -xf -
}
