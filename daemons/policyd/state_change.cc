#include "daemons/policyd/state_change.h"

#include <stdexcept>

#include "daemons/log.h"

namespace mailroom::policyd {

void change_state(state::Directory& directory, const std::function<void(state::Update&)>& what) {
  try {
    auto update = directory.update();
    what(update);
    update.commit();
  } catch (const std::runtime_error& error) {
    log::write("state-failed", {{"reason", error.what()}});
  }
}

}  // namespace mailroom::policyd
