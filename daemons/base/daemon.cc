#include "daemons/daemon.h"

#include <chrono>
#include <exception>

#include "daemons/base/launch.h"
#include "daemons/log.h"
#include "libcommon/ipc/overloaded.h"
#include "libcommon/sys/set_up_memory.h"

namespace mailroom {
namespace {

// Channels come as the others get ready, and what a process first does with them is set-up too.
constexpr std::chrono::seconds kSetUp{1};

using ControlChannel = event::ChannelHandler<ProcessToSupervisor, SupervisorToProcess>;

// When it is closed the supervisor is told, while there is a channel to it.
LeasedFd lease(const AttachChannel& attach, Fd fd, std::weak_ptr<ControlChannel> control) {
  const auto tell = [attach, control = std::move(control)](void*) {
    if (const auto supervisor = control.lock()) supervisor->send(ChannelLost{attach.kind, attach.peer});
  };
  return {std::move(fd), std::shared_ptr<void>{nullptr, tell}};
}

void on_control(Server& server, Launch& launch, const std::shared_ptr<ControlChannel>& control,
                SupervisorToProcess&& message, std::vector<Fd>&& descriptors) {
  std::visit(Overloaded{
                 [&](const AttachChannel& attach) {
                   if (descriptors.size() != 1) log::fatal("AttachChannel without its descriptor");
                   server.attach(attach.kind, attach.peer,
                                 lease(attach, std::move(descriptors.front()), control));
                 },
                 [&](const Reconfigure&) {
                   if (descriptors.size() != 1) log::fatal("Reconfigure without its descriptor");
                   launch.config = read_config(descriptors.front().get(), launch);
                   server.reconfigured();
                 },
                 [&](const Drain&) { server.drain(); },
                 [&](const AccountDirectoriesMade& made) { server.on_supervisor(made); },
             },
             message);
}

void serve(Launch& launch, const MakeServer& make_server) {
  event::Loop loop;
  PassedDescriptors passed{launch};
  std::unique_ptr<Server> server;
  std::shared_ptr<ControlChannel> control;
  control = std::make_shared<ControlChannel>(
      loop, Fd{kControlFd}, 1,
      [&](SupervisorToProcess&& message, std::vector<Fd>&& descriptors) {
        on_control(*server, launch, control, std::move(message), std::move(descriptors));
      },
      [&](event::ChannelEnd) { loop.stop(); });  // the supervisor is gone: everything ends
  const Host host{loop, launch, launch.config, [&](const std::string& name) { return passed.take(name); },
                  [&](const ProcessToSupervisor& message) { control->send(message); }};
  server = make_server(host);
  server->before_jail();
  enter_jail(launch);
  server->start();
  close_jail(launch);
  control->send(Ready{});
  event::Timer end_of_set_up{loop, give_back_set_up_memory};
  end_of_set_up.start(kSetUp);
  loop.run();
}

}  // namespace

int run_daemon(Role role, const MakeServer& make_server) {
  Launch launch = read_launch(role);
  set_up_process(launch);
  try {
    serve(launch, make_server);
  } catch (const std::exception& error) {
    log::fatal(error.what());
  }
  return 0;
}

}  // namespace mailroom
