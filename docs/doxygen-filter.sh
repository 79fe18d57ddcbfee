#!/bin/sh
# Plain comments to Doxygen's: in front of a declaration /* -> /**, behind one /* -> /**<, the file's first one with its
# name. C++ comments of a file's beginning alike.
name=${1##*/}
exec sed -E \
  -e "1,/^[^\/ ]/s#^// ?#/// #" -e "1s#^/// #/// \\\\file $name\n/// #" -e "1s#^/\\* #/** \\\\file $name\n * #" \
  -e 's#^/\* ---- .* ---- \*/##' -e 's#^( *)/\* #\1/** #' -e 's#([^ ]) +/\* #\1 /**< #' "$1"
