// From a configuration file to a Config, or to all that is wrong with it.  mailroomd and the supervisor call
// it at start and at reload, mr-conf at any time; nobody else reads configuration files.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/config.h"
#include "libcommon/config/directive.h"

namespace mailroom::config {

using Errors = std::vector<Error>;  // sorted by line; never empty

// Reads the file, and the certificates it names; looks at the key files without reading them.  Of a
// certificate and a revocation list it sees that they are whole (libcommon/text/pem.h), not what they say:
// that is for those who use them, and for `mr-conf check`.
std::expected<Config, Errors> load(const std::string& path);

// For a start, which files that only logins by client certificate need do not keep from serving all others.
struct ForStart {
  Config config;
  std::vector<Error> off;  // why these logins are off in it, as if nobody had asked for them; mostly empty
};
std::expected<ForStart, Errors> load_for_start(const std::string& path);

// The revocation lists of client certificates (PEM); empty where none are to be looked up.
std::expected<std::string, std::string> read_revocations(const ClientCertificateConfig& config);

// Pure part of load(): without the chains' content.
std::expected<Config, Errors> parse(std::string_view text, const std::string& file);

// What no single key shows: what is missing, and what does not fit together.  Pure; reasons that name their
// keys.
std::vector<std::string> contradictions(const Config& config);

// Names of the keys whose change needs a restart of mailroomd; a reload that would change one is refused.
std::vector<std::string> changes_that_need_restart(const Config& running, const Config& fresh);

// The whole configuration with its defaults, as a file that parse() reads to the same Config.
std::string show(const Config& config);

}  // namespace mailroom::config
