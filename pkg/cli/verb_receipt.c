/* cli/verb_receipt.c - rows of the table of commands (verb.h): receipts, wherever they came from. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_receipt[] = {
        { .name = "receipt verify",
          .group = "Tasks",
          .usage = "FILE|FOLDER... [--signer KEY] [--chain]",
          .summary = "is a receipt whole, and of this node? Needs no agent",
          .details =
                  "A file holds one receipt, or one a line; a folder gives its *.json. With --chain they must follow each\n"
                  "other without a gap: lines in their order, files of a folder in any.",
          .examples = "receipt verify resize-7.json --signer $KEY\nreceipt verify receipts/ --chain\n",
          .options = BIT(HV_OPT_KEY) | BIT(HV_OPT_CHAIN),
          .args_max = 64,
          .run = hv_cmd_receipt_verify },
        { .name = "receipt key",
          .group = "Tasks",
          .usage = "",
          .summary = "the public key that the node signs receipts with",
          .examples = "receipt key\n",
          .run = hv_cmd_receipt_key },
        {},
};
