// A session on a real mailbox, fed with a connection's octets: it ends, answers in whole lines, and leaves a
// mailbox that can be listed.  The mailbox lives as long as the process, so that inputs find what others have
// left.
#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "daemons/imapd/session.h"
#include "tests/fuzz/octet_stream.h"

using namespace mailroom;

namespace {

class ClientFirst : public imapd::Wait {
 public:
  Woke for_client(std::chrono::steady_clock::time_point) override { return Woke::client; }
  Woke for_both(std::chrono::steady_clock::time_point) override { return Woke::client; }
};

class Account {
 public:
  Account() {
    // Memory, where there is such a file system: syncing is not what is looked for.
    const std::filesystem::path base =
        std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (base / "imap-session-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
    mailbox::Options options;
    options.path = path_.string();
    imapd::set_summary(options);
    auto opened = mailbox::Mailbox::open(std::move(options));
    if (!opened) std::abort();
    mail_.emplace(std::move(*opened));
  }
  ~Account() {
    mail_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  mailbox::Mailbox& mail() { return *mail_; }

 private:
  std::filesystem::path path_;
  std::optional<mailbox::Mailbox> mail_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Account account;
  OctetStream stream{{reinterpret_cast<const char*>(data), size}};
  ClientFirst wait;
  imapd::run_session(stream, account.mail(), wait,
                     {.context = "in", .append_limit = 4096, .max_errors = 1000});
  if (!stream.output.ends_with("\r\n")) std::abort();
  if (!account.mail().list()) std::abort();
  return 0;
}
