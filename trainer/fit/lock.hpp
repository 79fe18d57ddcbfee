// One run at a time in a folder.
#pragma once

#include <string>

namespace riffle::trainer {

/// The lock of a folder, held while this lives: of a file "lock" in it, that has the process's number and is gone
/// afterwards. The system releases it when the process ends, however it ends; the file may then be left, and harms
/// nobody.
class FolderLock {
 public:
  /// Throws Error, naming the folder and the other process, where another holds it, and where the file cannot be
  /// opened.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// False on a file system that knows no locks: nobody is kept out then.
  [[nodiscard]] bool held() const { return held_; }

 private:
  std::string path_;
  int file_ = -1;
  bool held_ = false;
};

}  // namespace riffle::trainer
