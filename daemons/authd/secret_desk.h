// What mr-account asks of authd: secrets are set and removed.  Everything is on disk before it is answered,
// and policyd has been told whose secret changed, so that what runs as that account ends.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "daemons/authd/secret_store.h"
#include "daemons/base/tool_sessions.h"
#include "daemons/channels/authd.h"
#include "daemons/channels/tools_authd.h"
#include "daemons/config.h"
#include "libcommon/event/thread_pool.h"

namespace mailroom::authd {

// Secrets of one SetHashes.
inline constexpr std::size_t kMaxHashes = 200;

class SecretDesk {
 public:
  using Answer = std::function<void(ToolId, const AuthdToTool&)>;
  using TellPolicyd = std::function<bool(const AuthdToPolicyd&)>;

  SecretDesk(const Config& config, SecretStore& store, event::ThreadPool& pool, TellPolicyd tell_policyd,
             Answer answer);
  ~SecretDesk();

  void on_request(ToolId tool, SecretRequest&& request);

  // Tells policyd what it missed while it was away.
  void policyd_came();

 private:
  void handle(ToolId tool, SetPassword& request);
  void handle(ToolId tool, const SetHashes& request);
  void handle(ToolId tool, const RemoveSecret& request);
  void handle(ToolId tool, const DescribeSecret& request);
  template <typename Work>
  void guarded(ToolId tool, Work work);
  void make(ToolId tool, const std::string& name, Secret&& password);
  void set(ToolId tool, const std::vector<StoredSecret>& secrets);
  void changed(const std::string& name);

  const Config& config_;
  SecretStore& store_;
  event::ThreadPool& pool_;
  TellPolicyd tell_policyd_;
  Answer answer_;
  std::set<std::string> untold_;  // names of which policyd has not heard yet
  std::shared_ptr<SecretDesk*> self_;
};

}  // namespace mailroom::authd
