# mutated_tree.sh: a copy of the tree with faults put in, built.  Sourced by tests/crash/mutations and tests/system/mutations, which
# set root and work; nothing of it is in the product.

copy_tree() { # in $work/tree
    mkdir "$work/tree"
    tar -C "$root" --exclude=./build --exclude=./b --exclude=./.git -c . | tar -C "$work/tree" -x
}
# The copy, built; $programs are all that a build of it makes.  What has not been changed comes from the compiler's cache.
prepare_tree() {
    copy_tree
    meson setup "$work/tree/b" "$work/tree" --buildtype=release > "$work/out" 2>&1 || return 1
    programs=$(ninja -C "$work/tree/b" -t targets all | sed -nE 's#^((daemons|tools|tests/(crash|authority|state))/[^:]*): cpp_LINKER.*#\1#p')
    build_tree
}
# shellcheck disable=SC2086
build_tree() { ninja -C "$work/tree/b" $programs > "$work/out" 2>&1; }
