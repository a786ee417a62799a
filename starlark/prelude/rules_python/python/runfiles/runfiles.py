"""Finds files in the runfiles of a Python program.

    from python.runfiles import Runfiles

    files = Runfiles.Create()
    with open(files.Rlocation("my_repository/data/words.txt")) as words:
        ...
"""

import inspect
import os
import posixpath
import sys

__all__ = ["Create", "CreateDirectoryBased", "CreateManifestBased", "EnvVars", "Runfiles"]


class _Tree:
    """Runfiles as a folder."""

    def __init__(self, path):
        if not path or not isinstance(path, str):
            raise ValueError("a runfiles folder must be a non-empty text")
        self._path = path

    def find(self, path):
        return posixpath.join(self._path.replace("\\", "/"), path)

    def mapping_file(self):
        return self.find("_repo_mapping")

    def variables(self):
        # JAVA_RUNFILES is for launchers of Java programs.
        return {"JAVA_RUNFILES": self._path, "RUNFILES_DIR": self._path}


class _Manifest:
    """Runfiles as a list of paths, each with the place of its file."""

    def __init__(self, path):
        if not path or not isinstance(path, str):
            raise ValueError("a runfiles manifest must be a non-empty text")
        self._path = path
        self._entries = self._read(path)

    @staticmethod
    def _read(path):
        entries = {}
        with open(path, encoding="utf-8", newline="\n") as lines:
            for line in lines:
                line = line.rstrip("\r\n")
                if not line:
                    continue
                # A leading blank announces that blanks in names are written as \s.
                escaped = line.startswith(" ")
                name, _, target = line.lstrip(" ").partition(" ")
                if escaped:
                    name = _unescape(name)
                    target = _unescape(target)
                entries[name] = target or name
        return entries

    def find(self, path):
        if path in self._entries:
            return self._entries[path]
        # It may be in a folder that is listed.
        folder, rest = posixpath.split(path)
        while folder:
            if folder in self._entries:
                return posixpath.join(self._entries[folder], rest)
            folder, last = posixpath.split(folder)
            rest = posixpath.join(last, rest)
        return None

    def mapping_file(self):
        return self._entries.get("_repo_mapping")

    def variables(self):
        variables = {"RUNFILES_MANIFEST_FILE": self._path}
        for ending in ("/MANIFEST", ".runfiles_manifest"):
            if self._path.endswith(ending):
                folder = self._path[: -len(ending)]
                folder += ".runfiles" if ending.startswith(".") else ""
                variables["RUNFILES_DIR"] = folder
                variables["JAVA_RUNFILES"] = folder
        return variables


def _unescape(text):
    return text.replace(r"\s", " ").replace(r"\n", "\n").replace(r"\b", "\\")


def _read_mapping(path):
    """What each repository calls the others: {(repository, name): canonical name}.

    A repository written with a final `*` stands for all whose names begin so.
    """
    exact, prefixes = {}, {}
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                source, name, target = line.rstrip("\n").split(",", 2)
                if source.endswith("*"):
                    prefixes[source[:-1], name] = target
                else:
                    exact[source, name] = target
    except (OSError, TypeError):
        pass
    return exact, prefixes


class Runfiles:
    """The runfiles of the running program. Make one by `Runfiles.Create()`."""

    def __init__(self, strategy):
        self._strategy = strategy
        self._exact, self._prefixes = _read_mapping(strategy.mapping_file())

    def Rlocation(self, path, source_repo=None):
        """The place of a file, or `None` if it is known that there is none.

        Args:
          path: the file, repository first, `/` between parts
          source_repo: the canonical name of the repository that names it so; the caller's if
            not given
        """
        if not path:
            raise ValueError("the path is empty")
        if not isinstance(path, str):
            raise TypeError("the path must be a text")
        parts = path.split("/")
        if ".." in parts or "." in parts or "" in parts[1:-1]:
            raise ValueError("path is not normalized: %r" % path)
        if path[0] == "\\":
            raise ValueError("path is absolute without a drive letter: %r" % path)
        if os.path.isabs(path):
            return path
        repository, slash, rest = path.partition("/")
        if not slash or not (self._exact or self._prefixes):
            return self._strategy.find(path)
        if source_repo is None:
            source_repo = self.CurrentRepository(frame=2)
        return self._strategy.find(self._canonical(repository, source_repo) + "/" + rest)

    def _canonical(self, repository, source):
        if (source, repository) in self._exact:
            return self._exact[source, repository]
        for (prefix, name), target in self._prefixes.items():
            if name == repository and source.startswith(prefix):
                return target
        return repository

    def EnvVars(self):
        """What programs that are started need in their environment to find their files."""
        return dict(self._strategy.variables())

    def CurrentRepository(self, frame=1):
        """The canonical name of the caller's repository; empty for the root repository.

        Args:
          frame: whose repository: 1 is the caller's, 2 that of the caller's caller
        """
        try:
            path = os.path.abspath(inspect.getfile(sys._getframe(frame)))
        except (ValueError, TypeError) as error:
            raise ValueError("cannot tell which file calls") from error
        root = self._strategy.variables().get("RUNFILES_DIR")
        if root:
            root = os.path.abspath(root)
            if path.startswith(root + os.sep):
                repository = path[len(root) + 1 :].split(os.sep, 1)[0]
                return "" if repository == "_main" else repository
        # A program may run from where it is built.
        head, separator, tail = path.partition(os.sep + "external" + os.sep)
        return tail.split(os.sep, 1)[0] if separator else ""

    @staticmethod
    def CreateManifestBased(manifest_path):
        """Runfiles by a manifest."""
        return Runfiles(_Manifest(manifest_path))

    @staticmethod
    def CreateDirectoryBased(runfiles_dir_path):
        """Runfiles in a folder."""
        return Runfiles(_Tree(runfiles_dir_path))

    @staticmethod
    def Create(env=None):
        """The running program's runfiles, or `None` if it has none.

        Args:
          env: the environment; the process's own if not given
        """
        env = os.environ if env is None else env
        manifest = env.get("RUNFILES_MANIFEST_FILE")
        if manifest:
            return Runfiles.CreateManifestBased(manifest)
        folder = env.get("RUNFILES_DIR") or env.get("TEST_SRCDIR")
        return Runfiles.CreateDirectoryBased(folder) if folder else None


# Older names of the same.
_Runfiles = Runfiles


def CreateManifestBased(manifest_path):
    """See `Runfiles.CreateManifestBased`."""
    return Runfiles.CreateManifestBased(manifest_path)


def CreateDirectoryBased(runfiles_dir_path):
    """See `Runfiles.CreateDirectoryBased`."""
    return Runfiles.CreateDirectoryBased(runfiles_dir_path)


def Create(env=None):
    """See `Runfiles.Create`."""
    return Runfiles.Create(env)


def EnvVars():
    """What programs that are started need to find the files of this one."""
    files = Runfiles.Create()
    return files.EnvVars() if files else {}
