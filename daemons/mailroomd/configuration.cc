#include "daemons/mailroomd/configuration.h"

#include "daemons/config/load.h"
#include "daemons/log.h"

namespace mailroom {

std::expected<Config, std::size_t> load_configuration(const std::string& file) {
  auto loaded = config::load(file);
  if (loaded) return std::move(*loaded);
  for (const auto& error : loaded.error())
    log::write("config-error", {{"file", error.file}, {"line", error.line}, {"reason", error.reason}});
  return std::unexpected(loaded.error().size());
}

}  // namespace mailroom
