// The supervisor's part that takes up another configuration.  Those that read keys are tried with it first,
// beside those that run: only they see whether a key, and its certificate, can be used.  Until all of them
// are ready nothing is changed.
#include <algorithm>

#include "daemons/log.h"
#include "daemons/mailroomd/configuration.h"
#include "daemons/mailroomd/sealed_memfd.h"
#include "daemons/supervisor/needed.h"
#include "daemons/supervisor/supervisor.h"
#include "libcommon/ipc/codec.h"

namespace mailroom {
namespace {

using namespace std::chrono_literals;

constexpr auto kTrialPatience = 60s;  // to read keys, on a machine that has much to do
// For connections that an old listener still has: their handshakes, and logins by certificate, for which keyd
// is asked what it has signed.
constexpr auto kRetiredServerPatience = 60s;

bool reads_keys(Role role) { return role == Role::keyd || role == Role::krbd || role == Role::certd; }

// Those that hold what was read from files of the configuration.
bool is_replaced_at_reload(Role role) { return is_listener(role) || reads_keys(role); }

}  // namespace

void Supervisor::refuse_reload(std::string_view reason) {
  log::write("reload-refused", {{"config", options_.config_file}, {"errors", reason}});
}

// Nothing when something is wrong with it: then that is in the log.
std::optional<Config> Supervisor::load_for_reload() {
  auto loaded = load_configuration(options_.config_file);
  if (!loaded) {
    refuse_reload(std::to_string(loaded.error()));
    return {};
  }
  const auto fixed = config::changes_that_need_restart(config_, *loaded);
  for (const std::string& key : fixed)
    log::write("config-error",
               {{"file", options_.config_file}, {"line", 0}, {"reason", key + " changes only by a restart"}});
  if (fixed.empty()) return std::move(*loaded);
  refuse_reload(std::to_string(fixed.size()));
  return {};
}

void Supervisor::reload() {
  if (stopping_) return refuse_reload("the system is stopping");
  if (trial_) end_trial("another reload was asked for before it was in effect");
  auto loaded = load_for_reload();
  if (!loaded) return;
  try {
    Fd block = sealed_memfd(ipc::encode(*loaded));
    trial_.emplace(std::move(*loaded), std::move(block));
    for (const ProcessRow& row : kProcesses)
      if (reads_keys(row.role) && is_needed(row.role, trial_->config)) try_process(row.role);
  } catch (const std::exception& error) {
    return end_trial(error.what());
  }
  finish_trial();
}

void Supervisor::try_process(Role role) {
  Process& process = launch(role, trial_->config);
  process.on_trial = true;
  process.end_by = Clock::now() + kTrialPatience;
}

// Those that run go on, and with them the configuration that they have.
void Supervisor::end_trial(std::string_view reason) {
  trial_.reset();
  for (Process& process : processes_) {
    if (!process.on_trial) continue;
    process.on_trial = false;
    process.retired = true;
    spawner_.end(process.pid);
  }
  refuse_reload(reason);
}

// Once all who are tried are ready the configuration is in effect.
void Supervisor::finish_trial() {
  const auto is_awaited = [](const Process& process) { return process.on_trial && !process.ready; };
  if (std::ranges::any_of(processes_, is_awaited)) return;
  try {
    open_sockets(trial_->config);
  } catch (const std::exception& error) {
    return end_trial(error.what());
  }
  config_ = std::move(trial_->config);
  const Fd block = std::move(trial_->block);
  trial_.reset();
  shut_out_.clear();
  replace_processes(block);
  log::write("reload-done", {{"config", options_.config_file}});
}

void Supervisor::replace_processes(const Fd& block) {
  std::vector<Process*> replaced, tried;
  const int raw = block.get();
  for (Process& process : processes_) {
    if (process.retired) continue;
    if (process.on_trial)
      tried.push_back(&process);
    else if (is_replaced_at_reload(process.role))
      replaced.push_back(&process);
    else
      tell(process, Reconfigure{}, {&raw, 1});
  }
  for (Process* process : replaced) retire(*process);
  std::erase_if(restarts_, [](const auto& restart) { return is_replaced_at_reload(restart.first); });
  for (Process* process : tried) {
    process->on_trial = false;
    process->end_by.reset();
    connect_all(*process);
  }
  for (const ProcessRow& row : kProcesses)
    if (is_listener(row.role) && is_needed(row.role, config_)) start_or_retry(row.role);
}

void Supervisor::retire(Process& process) {
  if (process.retired) return;
  process.retired = true;
  if (is_listener(process.role)) {
    tell(process, Drain{.at_once = false});
  } else {
    process.end_by = Clock::now() + kRetiredServerPatience;
  }
}

}  // namespace mailroom
