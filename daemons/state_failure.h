// What policyd and authd do when their store fails: the request is refused, and that is all; but a store that
// a failed write has made unusable comes back only in a fresh process, so that this one ends.
#pragma once

#include <exception>

#include "daemons/log.h"
#include "libcommon/lmdb/lmdb.h"

namespace mailroom {

inline void on_state_failure(const std::exception& error) {
  const auto* store = dynamic_cast<const lmdb::Error*>(&error);
  if (store != nullptr && store->kind == lmdb::Error::Kind::lost) log::fatal(error.what());
  log::write("state-failed", {{"reason", error.what()}});
}

}  // namespace mailroom
