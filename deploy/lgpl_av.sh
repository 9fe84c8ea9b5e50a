#!/bin/sh
# Takes x264 and x265 (GPL) out of an installed wheel of av: FFmpeg in it is built under the LGPL and only links to them, and
# we never call them. In their place stand libraries that have their names and do nothing. Needs gcc with its binutils.
#   lgpl_av.sh FOLDER    the folder that holds av.libs (site-packages)
set -eu
libs="$1/av.libs"
for name in x264 x265; do
    lib=$(find "$libs" -name "lib$name-*.so*")
    [ -n "$lib" ] || { echo "lgpl_av.sh: there is no lib$name in $libs" >&2; exit 1; }
    nm -D --undefined-only "$libs"/libavcodec-*.so* | sed -n "s/^ *U \\(${name}_[A-Za-z0-9_]*\\)\$/void *\\1(void) { return 0; }/p" |
        gcc -shared -nostdlib -fPIC -x c -Wl,-soname,"$(basename "$lib")" -o "$lib.new" -
    mv "$lib.new" "$lib"
done
