#include "daemons/krbd/configuration_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "libcommon/kerberos/set_up.h"
#include "libcommon/sys/fd.h"

namespace mailroom {

void write_kerberos_configuration(int directory, const KerberosConfig& config) {
  const std::string text = kerberos::configuration(config.realm, config.kdcs);
  // A new file: nothing of what the daemon's uid may have left there is followed or written to.
  ::unlinkat(directory, "krb5.conf", 0);
  const Fd file{::openat(directory, "krb5.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fchmod(file.get(), 0644) != 0)
    throw std::system_error(errno, std::generic_category(), "krb5.conf");
}

}  // namespace mailroom
