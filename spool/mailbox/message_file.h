// The content of one message, read-only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spool/mailbox/file_name.h"
#include "spool/mailbox/types.h"

namespace mailroom::mailbox {

// Small messages are read, large ones mapped.  The bytes live as long as the object, also when another
// session expunges the message meanwhile.
class MessageFile {
 public:
  // Opens `directory`/`name` without following links or blocking, and takes only a regular file of this
  // process's uid with the length the name says.  The checksum is not looked at: see checksum_matches().
  // Failure::damaged when it is not there or is something else.
  static Result<MessageFile> open(int directory, const FileName& name);

  MessageFile(MessageFile&& other) noexcept;
  MessageFile& operator=(MessageFile&& other) noexcept;
  ~MessageFile();

  std::string_view bytes() const {
    return mapped_ ? std::string_view{mapped_, length_} : std::string_view{read_};
  }
  bool checksum_matches() const;

 private:
  MessageFile() = default;
  std::string read_;
  const char* mapped_ = nullptr;
  std::size_t length_ = 0;
  std::uint32_t checksum_ = 0;
};

}  // namespace mailroom::mailbox
