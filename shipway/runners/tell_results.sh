# Run a command, then tell its results files on standard output, each line behind a mark.
# Only a file that is new or has changed is a result: the image or the checkout may hold others of
# the same name. Links are not followed, but for the folder that the search begins in, if that leads
# nowhere outside.
shipway_mark=$1 shipway_root=$2 shipway_folder=$3 shipway_depth=$4 shipway_expression=$5
shipway_most_files=$6 shipway_most_bytes=$7
shift 7

shipway_matches() (
  root=$(cd "$shipway_root" 2>/dev/null && pwd -P) || exit
  folder=$(cd "$shipway_folder" 2>/dev/null && pwd -P) || exit
  case $folder/ in "${root%/}"/*) ;; *) exit ;; esac
  find -H "$shipway_folder" -maxdepth "$shipway_depth" -type f \
    -exec stat -c '%s %y|%n' {} + | LC_ALL=C grep -E -e "^[^|]*[|]$shipway_expression\$"
)

shipway_before=$(shipway_matches)
"$@"; status=$?

# What stands there twice was there before.
{ printf '%s\n' "$shipway_before"; shipway_matches; } |
  LC_ALL=C sort | LC_ALL=C uniq -u | cut -d '|' -f 2- | LC_ALL=C sort -u | {
    files=0 bytes=0
    while IFS= read -r file; do
      [ -f "$file" ] && [ ! -L "$file" ] && size=$(stat -c %s "$file") || continue
      files=$((files + 1)) bytes=$((bytes + size))
      printf ':%s %s\n' "$size" "$file"
      [ "$files" -le "$shipway_most_files" ] && [ "$bytes" -le "$shipway_most_bytes" ] || continue
      gzip -c <"$file" | base64
    done
    printf '.\n'
  } | sed "s/^/$(printf '\036')$shipway_mark/"
exit $status
