#include "daemons/policyd/state_change.h"

#include <stdexcept>

#include "daemons/state_failure.h"

namespace mailroom::policyd {

void change_state(state::Directory& directory, const std::function<void(state::Update&)>& what) {
  try {
    auto update = directory.update();
    what(update);
    update.commit();
  } catch (const std::runtime_error& error) {
    on_state_failure(error);
  }
}

}  // namespace mailroom::policyd
