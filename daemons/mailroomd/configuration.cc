#include "daemons/mailroomd/configuration.h"

#include "daemons/log.h"

namespace mailroom {
namespace {

std::unexpected<std::size_t> reported(const config::Errors& errors) {
  for (const auto& error : errors)
    log::write("config-error", {{"file", error.file}, {"line", error.line}, {"reason", error.reason}});
  return std::unexpected(errors.size());
}

}  // namespace

std::expected<Config, std::size_t> load_configuration(const std::string& file) {
  auto loaded = config::load(file);
  if (!loaded) return reported(loaded.error());
  return std::move(*loaded);
}

std::expected<config::ForStart, std::size_t> load_configuration_for_start(const std::string& file) {
  auto loaded = config::load_for_start(file);
  if (!loaded) return reported(loaded.error());
  return std::move(*loaded);
}

}  // namespace mailroom
