// What a unit test gives a multiplexing server instead of run_daemon: a loop, a directory of its own, a log
// that can be read, a supervisor that answers, and channel ends to be anybody with.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/daemon.h"
#include "daemons/log.h"
#include "libcommon/ipc/channel.h"

namespace mailroom::test {

class DaemonHost {
 public:
  DaemonHost() : before_{std::filesystem::current_path()} {
    std::string pattern = "/tmp/mailroom_test.XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    std::filesystem::current_path(directory_);
    log_ = Fd{::memfd_create("log", MFD_CLOEXEC)};
    log::set_up({.fd = log_.get(), .level = LogLevel::debug});
    launch.config.hostname = "mail.example.org";
    launch.config.domains = {"example.org", "cs.example.org"};
  }
  ~DaemonHost() {
    log::set_up({});
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }
  DaemonHost(const DaemonHost&) = delete;
  DaemonHost& operator=(const DaemonHost&) = delete;

  // Lets the server do what there is to do: however busy the machine, its loop turns so many times, and an
  // answer to an answer needs no more.
  void pump(std::chrono::milliseconds time = std::chrono::milliseconds{3}) {
    constexpr int kTurns = 6;
    for (int turn = 0; turn < kTurns; ++turn) {
      event::Timer timer{loop, [this] { loop.stop(); }};
      timer.start(std::chrono::duration_cast<std::chrono::microseconds>(time) / kTurns);
      loop.run();
    }
  }

  // The log's lines since the last call.
  std::string log() {
    const auto end = ::lseek(log_.get(), 0, SEEK_END);
    std::string text(static_cast<std::size_t>(end - log_read_), '\0');
    if (::pread(log_.get(), text.data(), text.size(), log_read_) != static_cast<ssize_t>(text.size()))
      return "";
    log_read_ = end;
    return text;
  }

  event::Loop loop;
  Launch launch;
  std::vector<ProcessToSupervisor> told;
  std::function<void(const ProcessToSupervisor&)> supervisor = [](const ProcessToSupervisor&) {};
  Host host{loop, launch, launch.config, [](const std::string&) { return Fd{}; },
            [this](const ProcessToSupervisor& message) {
              told.push_back(message);
              supervisor(message);
            }};

 private:
  std::filesystem::path before_;
  std::string directory_;
  Fd log_;
  off_t log_read_ = 0;
};

// The far end of a channel of the server: sends Out, receives In.
template <typename Out, typename In>
class FarEnd {
 public:
  FarEnd() = default;
  explicit FarEnd(Fd fd) : channel_{std::move(fd)} {}

  void send(const Out& message) { channel_.send(message); }
  void send(const Out& message, Fd descriptor) {
    const int raw = descriptor.get();
    channel_.send(message, {&raw, 1});
  }
  void send_raw(std::string_view bytes) {
    ipc::PacketSocket socket{Fd{::dup(channel_.fd())}};
    socket.send(bytes, ipc::PacketSocket::Wait::yes);
  }

  // The next message, if it has come.
  std::optional<In> next() {
    auto received = channel_.receive(ipc::PacketSocket::Wait::no, 0);
    if (!received) return std::nullopt;
    return std::move(received->message);
  }
  template <typename Message>
  std::optional<Message> next_as() {
    auto message = next();
    if (!message || !std::holds_alternative<Message>(*message)) return std::nullopt;
    return std::get<Message>(std::move(*message));
  }

  // Whether the server has closed its end and nothing is left to read.
  bool is_closed() {
    auto received = channel_.receive(ipc::PacketSocket::Wait::no, 0);
    return !received && received.error() == ipc::ReceiveError::closed;
  }
  void close() { channel_.close(); }

 private:
  ipc::MessageChannel<Out, In> channel_;
};

}  // namespace mailroom::test
