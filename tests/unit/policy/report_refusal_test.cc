#include "libcommon/policy/report_refusal.h"

#include <catch2/catch.hpp>

using namespace mailroom::policy;
using enum RefusalMeaning;
using enum RefusedAt;

TEST_CASE("which refusals of a report are the address's own fault") {
  struct Row {
    RefusedAt at;
    unsigned code;
    std::string_view enhanced;
    RefusalMeaning meaning;
  };
  for (const Row& row : {
           Row{recipient, 550, "5.1.1", address_is_bad},
           Row{recipient, 554, "5.1.10", address_is_bad},
           Row{content, 550, "5.1.1", address_is_bad},
           Row{here, 550, "5.1.1", address_is_bad},
           Row{here, 550, "5.1.2", address_is_bad},  // no such domain
           Row{here, 0, "5.1.3", address_is_bad},
           Row{here, 550, "5.4.6", server},  // a loop is our own fault
           Row{recipient, 550, "5.2.1", address_is_bad},
           Row{recipient, 552, "5.2.2", mailbox_full},
           Row{recipient, 552, "", mailbox_full},
           Row{recipient, 452, "4.2.2", server},
           Row{recipient, 452, "5.2.2", server},
           Row{recipient, 550, "5.7.1", policy},
           Row{recipient, 550, "5.7.26", policy},
           Row{recipient, 550, "5.1.8", policy},  // the sender's domain
           Row{content, 554, "5.7.1", policy},
           Row{content, 550, "", server},  // may be anything
           Row{recipient, 550, "", address_is_bad},
           Row{recipient, 553, "", address_is_bad},
           Row{recipient, 554, "", server},
           Row{recipient, 500, "", server},
           Row{recipient, 550, "5.3.0", server},
           Row{recipient, 550, "5.1.11", policy},
           Row{recipient, 550, "nonsense", server},
           Row{session, 550, "5.1.1", server},
           Row{session, 554, "5.7.1", server},
           Row{recipient, 250, "2.1.5", server},
       }) {
    CAPTURE(row.code, row.enhanced);
    CHECK(meaning_word(meaning_of(row.at, row.code, row.enhanced)) == meaning_word(row.meaning));
  }
}

TEST_CASE("every row of the table decides something") {
  for (const RefusalRow& row : refusal_rows()) {
    std::string enhanced{row.enhanced};
    if (enhanced.ends_with('.')) enhanced += "99";
    CHECK(meaning_of(recipient, 550, enhanced) == row.meaning);
    CHECK_FALSE(row.words.empty());
  }
  for (const BareRow& row : bare_rows()) CHECK(meaning_of(recipient, row.code, "") == row.meaning);
}
