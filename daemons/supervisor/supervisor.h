// Has every process of daemons/processes.h started, connects them, has started afresh what dies, reloads,
// stops.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/channels/control.h"
#include "daemons/config.h"
#include "daemons/daemon.h"
#include "daemons/mailroomd/options.h"
#include "daemons/processes.h"
#include "daemons/supervisor/spawner_client.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

// The order in which processes are told to end at a stop: queued waits for what is under way to other hosts,
// and needs those that it asks; the log is written to the end.
enum class StopTurn : std::uint8_t { none, first, asked_by_queued, log };

class Supervisor {
 public:
  // `spawner` is the channel to mailroomd.
  Supervisor(const Options& options, Fd spawner) : options_{options}, spawner_{std::move(spawner)} {}

  // Until it is told to stop.  Returns the exit status: 0 after a clean stop, 1 when it could not start.
  int run();

 private:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;
  using Control = ipc::MessageChannel<SupervisorToProcess, ProcessToSupervisor>;

  struct Process {
    Role role;
    std::uint32_t generation;
    pid_t pid;
    Control control;
    Time started;
    bool ready = false;
    bool retired = false;             // replaced: not connected to anything new, not started again
    bool on_trial = false;            // of a reload that is not in effect: connected to nobody yet
    std::optional<Time> end_by = {};  // told to end: killed at this time, with the connections that it has
    std::optional<Time> logins_end_by = {};  // the same of its connections before login alone

    std::string unique_name() const;
  };

  struct LogPipe {
    Fd read;
    Fd write;
  };

  struct Trial {  // of a configuration that is not in effect yet
    Config config;
    Fd block;  // the same, for those that are told of it
  };

  struct Restart {  // of a role whose process died
    Time at;
  };

  struct CrashCount {  // of a service's connections
    Time since{};
    std::size_t count = 0;
  };

  // A channel between two processes.
  struct Link {
    const ChannelRow* row;
    std::string asker;  // their unique names
    std::string server;
    Time made;
    unsigned lost = 0;  // how many before this one
    std::chrono::milliseconds delay{};
    std::optional<Time> remake_at = {};  // it is lost: then another is made

    // How `end` is told of the other end.
    std::string name_at(const std::string& end) const;
  };

  // start and stop
  void set_up();
  void open_sockets(const Config& config);
  void start_all();
  void stop_all();
  void stop_next();
  bool everything_ready() const;
  void announce_ready();

  // processes
  void start_or_retry(Role role);
  void free_uids_for(Role role, std::uint32_t generation);
  Process& start(Role role);
  Process& launch(Role role, const Config& config);
  std::vector<PassedDescriptor> descriptors_for(Role role, const Config& config, std::vector<Fd>& owned);
  void connect_all(Process& fresh);
  void connect_to_others(Process& fresh);
  void connect(const Link& link, Process& asker, Process& server);
  void on_channel_lost(Process& process, const ChannelLost& message);
  void remake(Link& link);
  void remake_due();
  Process* find(std::string_view unique_name);
  void tell(Process& process, const SupervisorToProcess& message, std::span<const int> descriptors = {});
  void end_for(Process& process, std::string_view offence);
  void tell_to_end(Process& process);
  void hear_last_words(Process& process);
  void on_ended(const ProcessEnded& ended);
  void on_connections_ended(const ConnectionsEnded& ended);
  bool on_message(Process& process);
  void handle(Process& process, const ProcessToSupervisor& message);
  void make_account_directories(Process& process, const MakeAccountDirectories& request);
  void on_crash(Process& process, const IpAddress& peer);
  void count_crash(Role role, const IpAddress& peer);
  void report_crashes(Role role);
  void plan_restart(const Process& dead, const std::string& reason);
  void start_due();
  void kill_overdue();
  void kill_connections(const Process& process, Whose whose);

  // the loop
  void wait_and_serve();
  std::optional<Time> next_deadline() const;
  void on_spawner();
  void stop();

  // reload
  void reload();
  std::optional<Config> load_for_reload();
  void refuse_reload(std::string_view reason);
  void try_process(Role role);
  void finish_trial();
  void end_trial(std::string_view reason);
  void replace_processes(const Fd& block);
  void retire(Process& process);

  Options options_;
  SpawnerClient spawner_;
  Config config_;
  std::vector<Fd> listening_;  // by the listener's place in the configuration
  std::map<Role, Fd> tools_;
  std::map<std::string, LogPipe, std::less<>> logs_;
  std::list<Process> processes_;  // stable while members are removed
  std::vector<Link> links_;       // between those
  std::map<Role, Restart> restarts_;
  std::optional<Trial> trial_;
  std::map<Role, std::chrono::milliseconds> delays_;  // before the next restart
  std::map<Role, std::uint32_t> generations_;
  std::map<IpAddress, std::vector<Time>> crashes_;  // by client host
  std::map<Role, CrashCount> service_crashes_;
  std::vector<IpAddress> shut_out_;
  bool stopping_ = false;
  StopTurn stop_turn_ = StopTurn::none;
  bool announced_ = false;
  bool failed_ = false;
};

}  // namespace mailroom
