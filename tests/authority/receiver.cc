#include "tests/authority/receiver.h"

#include <fcntl.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "daemons/daemon.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/mailroomd/spawn.h"
#include "daemons/mailroomd/warrants.h"
#include "libcommon/ipc/codec.h"
#include "tests/authority/raw_channel.h"

namespace mailroom::test {
namespace {

void add_files(Role role, const Config& config, Passed& passed) {
  const auto add = [&](std::string name, const std::string& path) {
    Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) throw std::system_error(errno, std::generic_category(), path);
    passed.emplace_back(std::move(name), std::move(file));
  };
  if (role == Role::keyd)
    for (std::size_t i = 0; i < config.certificates.size(); ++i)
      add("key " + std::to_string(i), config.certificates[i].key_file);
  if (role == Role::krbd) add("keytab", config.kerberos.keytab_file);
}

}  // namespace

Receiver::Receiver(Role role, const Config& config, Passed passed) : role_{role} {
  const ProcessRow& row = process_row(role);
  const Warrants warrants{config, false};
  add_files(role, config, passed);
  LaunchBlock launch{1, config, {}, {}};
  for (const auto& [name, fd] : passed)
    launch.descriptors.push_back({name, kFirstPassedFd + static_cast<int>(launch.descriptors.size())});
  const Fd block = sealed_memfd(ipc::encode(launch));
  auto [ours, theirs] = ipc::make_channel();
  SpawnRequest request{.program = config.directories.libexec + "/" + std::string{row.program},
                       .name = std::string{row.name},
                       .passed = warrants.first_descriptors(role, theirs.get(), block.get())};
  for (const auto& [name, fd] : passed) request.passed.push_back(fd.get());
  process_ = std::make_unique<ReleaseProcess>(std::move(request));
  theirs.reset();
  control_ = decltype(control_){std::move(ours)};
  const auto said =
      control_.receive(decltype(control_)::Wait::yes, 0, std::chrono::steady_clock::now() + kPatience);
  hear();
  if (!said || !std::holds_alternative<Ready>(said->message))
    throw std::runtime_error(std::string{row.name} + " does not become ready: " + log().last_words());
}

Fd Receiver::attach(const std::string& row) {
  auto [ours, theirs] = ipc::make_channel();
  const int raw = theirs.get();
  if (control_.send(AttachChannel{row, "twin#" + std::to_string(++attached_)}, {&raw, 1}) !=
      ipc::SendResult::sent)
    throw std::runtime_error("the receiver does not hear its supervisor");
  return std::move(ours);
}

bool Receiver::has_heard() const { return is_heard(control_.fd()); }

void Receiver::hear() {
  while (control_.receive(decltype(control_)::Wait::no, 0)) {
  }
  process_->log().hear();
}

}  // namespace mailroom::test
