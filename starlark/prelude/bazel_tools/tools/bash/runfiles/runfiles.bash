# Finds files in the runfiles of a shell script. To be sourced.
#
#   rlocation PATH               prints where the file PATH is (repository first: my_repo/dir/file)
#   runfiles_export_envvars      exports what programs started from here need to find their files
#   runfiles_current_repository  prints the canonical name of the caller's repository
#
# Files are looked up in the tree $RUNFILES_DIR or in the manifest $RUNFILES_MANIFEST_FILE; if
# neither is set, beside the script that runs.

if [[ -z "${RUNFILES_DIR:-}" && -z "${RUNFILES_MANIFEST_FILE:-}" ]]; then
  if [[ -d "${TEST_SRCDIR:-}" ]]; then
    export RUNFILES_DIR="$TEST_SRCDIR"
  elif [[ -d "$0.runfiles" ]]; then
    export RUNFILES_DIR="$0.runfiles"
  elif [[ -f "$0.runfiles_manifest" ]]; then
    export RUNFILES_MANIFEST_FILE="$0.runfiles_manifest"
  elif [[ "$0" == *.runfiles/* ]]; then
    export RUNFILES_DIR="${0%.runfiles/*}.runfiles"
  fi
fi

# The file that lists which repository calls which other by which name.
__runfiles_repo_mapping() {
  if [[ -f "${RUNFILES_DIR:-/dev/null}/_repo_mapping" ]]; then
    echo "$RUNFILES_DIR/_repo_mapping"
  elif [[ -f "${RUNFILES_MANIFEST_FILE:-/dev/null}" ]]; then
    __runfiles_from_manifest _repo_mapping
  fi
}

# Prints the rest of the first line of a file that begins with a text; fails if none does.
__runfiles_line() {
  local line
  while IFS= read -r line || [[ -n "$line" ]]; do
    if [[ "$line" == "$1"* ]]; then
      echo "${line#"$1"}"
      return 0
    fi
  done < "$2"
  return 1
}

# Looks a path up in the manifest: as it is, or as a part of a listed folder.
__runfiles_from_manifest() {
  local path="$1" rest="" place
  while true; do
    if place="$(__runfiles_line "$path " "$RUNFILES_MANIFEST_FILE")"; then
      echo "$place$rest"
      return 0
    fi
    [[ "$path" == */* ]] || return 1
    rest="/${path##*/}$rest"
    path="${path%/*}"
  done
}

# Prints the canonical name of the repository of the function that called the library.
runfiles_current_repository() {
  local depth="${1:-1}" source
  source="${BASH_SOURCE[$depth]:-$0}"
  case "$source" in
    *.runfiles/*)
      source="${source#*.runfiles/}"
      source="${source%%/*}"
      [[ "$source" == "_main" ]] || echo "$source"
      ;;
    */external/*)
      source="${source##*/external/}"
      echo "${source%%/*}"
      ;;
  esac
}

# Replaces the name by which `repository` calls another by the other's canonical name.
__runfiles_canonical() {
  local path="$1" repository="$2" mapping name
  mapping="$(__runfiles_repo_mapping)"
  if [[ -n "$mapping" ]] && name="$(__runfiles_line "$repository,${path%%/*}," "$mapping")"; then
    path="$name${path#"${path%%/*}"}"
  fi
  echo "$path"
}

# Prints where a file is; fails if the path is not one that can be looked up.
rlocation() {
  local path="$1" repository
  case "$path" in
    /* | [A-Za-z]:[/\\]*)
      echo "$path"
      return 0
      ;;
    "" | . | .. | ./* | ../* | */. | */.. | */./* | */../* | *//*)
      echo >&2 "rlocation: \`$path\` is no normalized path"
      return 1
      ;;
  esac
  if [[ $# -gt 1 ]]; then
    repository="$2"
  else
    repository="$(runfiles_current_repository 2)"
  fi
  path="$(__runfiles_canonical "$path" "$repository")"
  if [[ -e "${RUNFILES_DIR:-/dev/null}/$path" ]]; then
    echo "$RUNFILES_DIR/$path"
  elif [[ -f "${RUNFILES_MANIFEST_FILE:-/dev/null}" ]]; then
    __runfiles_from_manifest "$path"
  elif [[ -n "${RUNFILES_DIR:-}" ]]; then
    # It may be about to be made.
    echo "$RUNFILES_DIR/$path"
  else
    echo >&2 "rlocation: there are no runfiles (neither RUNFILES_DIR nor RUNFILES_MANIFEST_FILE is set)"
    return 1
  fi
}

runfiles_export_envvars() {
  if [[ -z "${RUNFILES_DIR:-}" && "${RUNFILES_MANIFEST_FILE:-}" == *_manifest ]]; then
    RUNFILES_DIR="${RUNFILES_MANIFEST_FILE%_manifest}"
    [[ -d "$RUNFILES_DIR" ]] || RUNFILES_DIR=""
  fi
  if [[ -z "${RUNFILES_DIR:-}" && -z "${RUNFILES_MANIFEST_FILE:-}" ]]; then
    return 1
  fi
  export RUNFILES_DIR RUNFILES_MANIFEST_FILE
  export JAVA_RUNFILES="${RUNFILES_DIR:-}"
}

export -f rlocation runfiles_export_envvars runfiles_current_repository
export -f __runfiles_canonical __runfiles_from_manifest __runfiles_line __runfiles_repo_mapping
