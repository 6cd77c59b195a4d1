#include "libcommon/protocol/rfc5322/missing_fields.h"

#include <fmt/format.h>

#include "libcommon/protocol/rfc5322/date_time.h"
#include "libcommon/protocol/rfc5322/header.h"

namespace mailroom::rfc5322 {

std::string missing_fields(std::string_view header, const Completion& completion) {
  std::string fields;
  if (!find_field(header, "Date"))
    fields += fmt::format("Date: {}\r\n", format_date_time(to_date_time(completion.now)));
  if (!find_field(header, "Message-ID"))
    fields += fmt::format("Message-ID: <{}@{}>\r\n", completion.id, completion.host);
  return fields;
}

}  // namespace mailroom::rfc5322
