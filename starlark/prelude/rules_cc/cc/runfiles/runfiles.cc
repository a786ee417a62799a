#include "rules_cc/cc/runfiles/runfiles.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

namespace rules_cc {
namespace cc {
namespace runfiles {

namespace {

std::string Environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

bool IsFile(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool StartsWith(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Whether every part of the path is a proper name.
bool IsNormalized(const std::string& path) {
  size_t start = 0;
  while (true) {
    size_t end = path.find('/', start);
    std::string part = path.substr(start, end - start);
    bool last = end == std::string::npos;
    if (part == "." || part == ".." || (part.empty() && !last)) return false;
    if (last) return true;
    start = end + 1;
  }
}

// Manifests write blanks in names as \s, line ends as \n, backslashes as \b.
std::string Unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      plain += text[i] == 's' ? ' ' : text[i] == 'n' ? '\n' : '\\';
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

bool Runfiles::ReadManifest(const std::string& path) {
  std::ifstream lines(path);
  if (!lines.is_open()) return false;
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    // A leading blank announces escapes.
    bool escaped = !line.empty() && line[0] == ' ';
    if (escaped) line.erase(0, 1);
    size_t blank = line.find(' ');
    if (line.empty()) continue;
    std::string name = line.substr(0, blank);
    std::string target =
        blank == std::string::npos ? name : line.substr(blank + 1);
    if (escaped) {
      name = Unescape(name);
      target = Unescape(target);
    }
    entries_[name] = target;
  }
  return true;
}

void Runfiles::ReadMapping(const std::string& path) {
  std::ifstream lines(path);
  std::string line;
  while (std::getline(lines, line)) {
    size_t first = line.find(',');
    size_t second = line.find(',', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string source = line.substr(0, first);
    std::string name = line.substr(first + 1, second - first - 1);
    std::string target = line.substr(second + 1);
    if (EndsWith(source, "*")) {
      source.pop_back();
      prefixes_[std::make_pair(source, name)] = target;
    } else {
      exact_[std::make_pair(source, name)] = target;
    }
  }
}

void Runfiles::SetVariables() {
  variables_.clear();
  if (!manifest_.empty()) {
    variables_.push_back(std::make_pair("RUNFILES_MANIFEST_FILE", manifest_));
  }
  variables_.push_back(std::make_pair("RUNFILES_DIR", folder_));
  variables_.push_back(std::make_pair("JAVA_RUNFILES", folder_));
}

std::string Runfiles::Find(const std::string& path) const {
  if (manifest_.empty()) return folder_ + "/" + path;
  std::string folder = path;
  std::string rest;
  while (true) {
    auto entry = entries_.find(folder);
    if (entry != entries_.end()) return entry->second + rest;
    // It may be in a folder that is listed.
    size_t slash = folder.rfind('/');
    if (slash == std::string::npos) return "";
    rest = folder.substr(slash) + rest;
    folder.resize(slash);
  }
}

std::string Runfiles::CanonicalName(const std::string& name,
                                    const std::string& source) const {
  auto found = exact_.find(std::make_pair(source, name));
  if (found != exact_.end()) return found->second;
  for (const auto& entry : prefixes_) {
    if (entry.first.second == name && StartsWith(source, entry.first.first)) {
      return entry.second;
    }
  }
  return name;
}

std::string Runfiles::Rlocation(const std::string& path) const {
  return Rlocation(path, source_repository_);
}

std::string Runfiles::Rlocation(const std::string& path,
                                const std::string& source_repository) const {
  if (path.empty()) return "";
  if (path[0] == '/') return path;
  if (!IsNormalized(path)) return "";
  size_t slash = path.find('/');
  if (slash == std::string::npos) return Find(path);
  return Find(CanonicalName(path.substr(0, slash), source_repository) +
              path.substr(slash));
}

std::unique_ptr<Runfiles> Runfiles::WithSourceRepository(
    const std::string& source_repository) const {
  std::unique_ptr<Runfiles> copy(new Runfiles(*this));
  copy->source_repository_ = source_repository;
  return copy;
}

Runfiles* Runfiles::Create(const std::string& argv0,
                           const std::string& runfiles_manifest_file,
                           const std::string& runfiles_dir,
                           const std::string& source_repository,
                           std::string* error) {
  std::string manifest = runfiles_manifest_file;
  std::string folder = runfiles_dir;
  if (!IsFolder(folder)) folder.clear();
  if (!IsFile(manifest)) manifest.clear();
  if (folder.empty() && manifest.empty()) {
    size_t inside = argv0.rfind(".runfiles/");
    if (IsFolder(argv0 + ".runfiles")) {
      folder = argv0 + ".runfiles";
    } else if (IsFile(argv0 + ".runfiles_manifest")) {
      manifest = argv0 + ".runfiles_manifest";
    } else if (inside != std::string::npos) {
      folder = argv0.substr(0, inside + sizeof(".runfiles") - 1);
    }
  }
  std::unique_ptr<Runfiles> runfiles(new Runfiles());
  runfiles->source_repository_ = source_repository;
  runfiles->folder_ = folder;
  // A folder is read, and not the list of what is in it, where there are both.
  if (folder.empty()) {
    runfiles->manifest_ = manifest;
    if (manifest.empty() || !runfiles->ReadManifest(manifest)) {
      if (error != nullptr) {
        *error = "cannot find the runfiles of " + argv0 +
                 " (neither $RUNFILES_DIR nor $RUNFILES_MANIFEST_FILE is "
                 "set, and there is no " + argv0 + ".runfiles)";
      }
      return nullptr;
    }
    for (const char* end : {".runfiles_manifest", "/MANIFEST"}) {
      if (!EndsWith(manifest, end)) continue;
      std::string start =
          manifest.substr(0, manifest.size() - std::string(end).size());
      runfiles->folder_ = end[0] == '.' ? start + ".runfiles" : start;
    }
  }
  runfiles->ReadMapping(runfiles->Find("_repo_mapping"));
  runfiles->SetVariables();
  return runfiles.release();
}

Runfiles* Runfiles::Create(const std::string& argv0,
                           const std::string& runfiles_manifest_file,
                           const std::string& runfiles_dir,
                           std::string* error) {
  return Create(argv0, runfiles_manifest_file, runfiles_dir, "", error);
}

Runfiles* Runfiles::Create(const std::string& argv0,
                           const std::string& source_repository,
                           std::string* error) {
  return Create(argv0, Environment("RUNFILES_MANIFEST_FILE"),
                Environment("RUNFILES_DIR"), source_repository, error);
}

Runfiles* Runfiles::Create(const std::string& argv0, std::string* error) {
  return Create(argv0, "", error);
}

Runfiles* Runfiles::CreateForTest(const std::string& source_repository,
                                  std::string* error) {
  return Create("", Environment("RUNFILES_MANIFEST_FILE"),
                Environment("TEST_SRCDIR"), source_repository, error);
}

Runfiles* Runfiles::CreateForTest(std::string* error) {
  return CreateForTest("", error);
}

}  // namespace runfiles
}  // namespace cc
}  // namespace rules_cc
