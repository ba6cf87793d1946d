#!/bin/sh
# Installs for this user, without root: sh install.sh [--remove]. PREFIX is ~/.local unless it is set.
set -eu
here=$(dirname "$(readlink -f "$0")")
prefix=${PREFIX:-$HOME/.local}
target=$prefix/lib/retort

remove() {
    rm -rf "$target"
    rm -f "$prefix/bin/retort"
    (cd "$here/share" && find . -type f) | while read -r file; do rm -f "$prefix/share/$file"; done
}

refresh() {
    ! command -v update-mime-database >/dev/null 2>&1 || update-mime-database "$prefix/share/mime" || true
    ! command -v update-desktop-database >/dev/null 2>&1 ||
        update-desktop-database -q "$prefix/share/applications" || true
}

remove
if [ "${1:-}" = --remove ]; then
    refresh
    echo "Retort is removed; conversations and models are where they were."
    exit 0
fi
mkdir -p "$prefix/lib" "$prefix/bin" "$prefix/share"
cp -R "$here/lib" "$target"
cp -R "$here/share/." "$prefix/share/"
sed -i -e "s|^Exec=retort|Exec=$prefix/bin/retort|" -e "/^TryExec=/d" "$prefix/share/applications/org.retort.Retort.desktop"
ln -s ../lib/retort/retort "$prefix/bin/retort"
refresh
echo "Retort is installed: $prefix/bin/retort"
