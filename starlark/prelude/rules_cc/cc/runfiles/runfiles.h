// Finds files in the runfiles of a C++ program.
//
//   #include "rules_cc/cc/runfiles/runfiles.h"
//   using rules_cc::cc::runfiles::Runfiles;
//
//   int main(int argc, char** argv) {
//     std::string error;
//     std::unique_ptr<Runfiles> files(
//         Runfiles::Create(argv[0], BAZEL_CURRENT_REPOSITORY, &error));
//     if (files == nullptr) { ... }
//     std::string words = files->Rlocation("my_repository/data/words.txt");
//   }
//
// Targets that depend on this library have the macro BAZEL_CURRENT_REPOSITORY.

#ifndef RULES_CC_CC_RUNFILES_RUNFILES_H_
#define RULES_CC_CC_RUNFILES_RUNFILES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rules_cc {
namespace cc {
namespace runfiles {

class Runfiles {
 public:
  virtual ~Runfiles() = default;

  // For tests: from the environment of the test. Null, and a text in `error`, if there are no
  // runfiles. The caller owns the object.
  static Runfiles* CreateForTest(const std::string& source_repository,
                                 std::string* error = nullptr);
  static Runfiles* CreateForTest(std::string* error = nullptr);

  // For programs: from the environment, or beside the program.
  static Runfiles* Create(const std::string& argv0,
                          const std::string& source_repository,
                          std::string* error = nullptr);
  static Runfiles* Create(const std::string& argv0,
                          std::string* error = nullptr);

  // As above, with what to use instead of $RUNFILES_MANIFEST_FILE and $RUNFILES_DIR.
  static Runfiles* Create(const std::string& argv0,
                          const std::string& runfiles_manifest_file,
                          const std::string& runfiles_dir,
                          const std::string& source_repository,
                          std::string* error = nullptr);
  static Runfiles* Create(const std::string& argv0,
                          const std::string& runfiles_manifest_file,
                          const std::string& runfiles_dir,
                          std::string* error = nullptr);

  // The place of a file, repository first; empty if the path is not normalized or is known not
  // to be there.
  std::string Rlocation(const std::string& path) const;
  std::string Rlocation(const std::string& path,
                        const std::string& source_repository) const;

  // What programs that are started need in their environment to find their files.
  const std::vector<std::pair<std::string, std::string> >& EnvVars() const {
    return variables_;
  }

  // The same runfiles for another repository's names.
  std::unique_ptr<Runfiles> WithSourceRepository(
      const std::string& source_repository) const;

 private:
  Runfiles() = default;

  bool ReadManifest(const std::string& path);
  void ReadMapping(const std::string& path);
  void SetVariables();
  std::string Find(const std::string& path) const;
  std::string CanonicalName(const std::string& name,
                            const std::string& source) const;

  // The folder of the runfiles; empty if there is only a manifest.
  std::string folder_;
  std::string manifest_;
  std::map<std::string, std::string> entries_;
  // What a repository calls another: (repository, name) to canonical name. The second map is for
  // all repositories whose names begin so.
  std::map<std::pair<std::string, std::string>, std::string> exact_;
  std::map<std::pair<std::string, std::string>, std::string> prefixes_;
  std::string source_repository_;
  std::vector<std::pair<std::string, std::string> > variables_;
};

}  // namespace runfiles
}  // namespace cc
}  // namespace rules_cc

#endif  // RULES_CC_CC_RUNFILES_RUNFILES_H_
