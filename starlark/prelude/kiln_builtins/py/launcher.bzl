"""The program that starts a Python program.

It is a shell script, because a shell starts twenty times as fast as Python, and at the same time a
Python script that starts the shell, for those who hand it to an interpreter.
"""

# In a shell, `''':'` is the command `:`; in Python, it begins a text that ends where the shell has
# long gone.
_LAUNCHER = r"""#!/bin/sh
''':'
set -u
main=@MAIN@

# Is this the runfiles tree that holds the main file?
fits() {
  [ -e "$1/$main" ]
}

# The tree beside the program, or the tree that the program lies in.
beside() {
  runfiles=$1.runfiles
  fits "$runfiles" && return
  case $1 in
    *.runfiles/*) runfiles=${1%.runfiles/*}.runfiles; fits "$runfiles" && return ;;
  esac
  return 1
}

find_runfiles() {
  runfiles=${RUNFILES_DIR:-}
  [ -n "$runfiles" ] && fits "$runfiles" && return
  program=$0
  case $program in
    /*) ;;
    */*) program=$PWD/$program ;;
    *) program=$(command -v -- "$program") ;;
  esac
  # Somebody may have put a link to the program elsewhere.
  while ! beside "$program"; do
    [ -L "$program" ] || return 1
    link=$(readlink "$program")
    case $link in
      /*) program=$link ;;
      *) program=${program%/*}/$link ;;
    esac
  done
}

if ! find_runfiles; then
  echo "$0: cannot find the runfiles of this program (no $main in \$RUNFILES_DIR, nor beside $0)" >&2
  exit 1
fi
case $runfiles in
  /*) ;;
  *) runfiles=$PWD/$runfiles ;;
esac

# Whatever is listed stands after the top of the runfiles, and all repositories after that.
path=$runfiles
for folder in @IMPORTS@; do
  path=$path:$runfiles/$folder
done
for folder in "$runfiles"/*/; do
  folder=${folder%/}
  case :$path: in
    *":$folder:"*) ;;
    *) path=$path:$folder ;;
  esac
done

export PYTHONPATH="$path${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONSAFEPATH=1
export RUNFILES_DIR="$runfiles"
exec @INTERPRETER@ @START@ "$@"
'''
import os
import sys

os.execv("/bin/sh", ["/bin/sh", os.path.abspath(__file__)] + sys.argv[1:])
"""

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def launcher(interpreter, interpreter_args, main, main_module, imports):
    """The text of a launcher.

    Args:
      interpreter: path of the interpreter
      interpreter_args: its arguments
      main: path of the main file from the top of the runfiles
      main_module: the module to run instead, or nothing
      imports: folders for `sys.path`, from the top of the runfiles
    """
    start = "-m " + _quote(main_module) if main_module else "\"$runfiles/$main\""
    words = [_quote(interpreter)] + [_quote(word) for word in interpreter_args]
    return (_LAUNCHER
        .replace("@MAIN@", _quote(main))
        .replace("@IMPORTS@", " ".join([_quote(folder) for folder in imports]))
        .replace("@INTERPRETER@", " ".join(words))
        .replace("@START@", start))
