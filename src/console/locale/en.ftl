# The console's texts in English. A test compares the ids of both languages with each other and with the code.
product = history-gateway
skip-to-content = Skip to content
page-title = { $page } – history-gateway

sign-in-title = Sign in
sign-in = Sign in
sign-out = Sign out
login = Login
password = Password
signed-in-as = Signed in as { $login } ({ $role })
wrong-login = The login or the password is wrong, or the user is disabled.
too-many-attempts = Too many attempts. Try again in { $seconds ->
        [one] { $seconds } second
       *[other] { $seconds } seconds
    }.
unavailable-title = Not available
unavailable = The store does not answer at the moment. Try again.
form-not-accepted-title = Not accepted
form-not-accepted = The form was not accepted, and nothing was done. Go back, load the page again and repeat.

role-viewer = viewer
role-agent = agent
role-auditor = auditor
role-admin = administrator

language = Language
apply = Apply

start = Start

# How a page is found, and how to move on it.
navigation = Pages
messages = Messages
audit = Audit log
users = Users
find-messages = Find messages
find-placeholder = Phone, e-mail, id, order number, words
find = Find
zone = Time zone
keys = Keys
key-find = find messages
key-next = next message
key-previous = previous message
key-open = open
key-back = back
key-start = start page
key-copy = copy link
key-help = this list

# Why there is nothing to see.
not-recorded = This access could not be recorded in the audit log, so nothing is shown. Try again; if this keeps happening, tell your administrator.
not-found-title = Not found
not-found = There is no such message, or you may not see it.
no-such-page = There is no such page.
not-valid-title = Not valid
no-such-subject = There is no such subject, or you may not see it. Go back and remove the filter.
not-valid-days = The dates cannot be used: each must be a date, and the first not after the last. Go back and correct them.
not-valid-filter = The filter { $name } has a value that cannot be used. Go back and correct it.
not-valid = The URL or the form has a value that cannot be used. Go back and correct it.
not-allowed-title = Not allowed
not-allowed = Your role does not allow this.
other-session-title = A link from another session
other-session = This link contains an address or a text that only the session that made it can read. Search again.

just-now = just now

# The start page.
start-hint = Find a person or a message in the box above; press / to get there.
counted-at = As of { $time }
show-counts = Show the counts of today and yesterday
counts = Today and yesterday
today = Today, { $date } { $zone }
yesterday = Yesterday, { $date } { $zone }
count-sent = Sent
count-delivered = Delivered, not read
count-read = Read
count-failed = Not delivered
count-received = Received
reasons-of-page = Why messages on this page were not delivered
reasons = Why messages were not delivered
no-reason = no reason given
recent-people = People you viewed recently
no-messages-here = No messages.
no-messages-on-day = There are no messages on that day. These are the last ones before it.
no-messages-until = There are no messages up to that day. These are the first ones after it.

# Finding.
found-title = Search results
nothing-found = Nothing found. Searched as { $kinds }.
kind-phone = phone { $value }
kind-email = e-mail { $value }
kind-address = address { $value }
kind-message = message { $value }
kind-subscriber = subscriber { $value }
kind-broadcast = broadcast { $value }
kind-cascade = cascade { $value }
kind-comment = comment “{ $value }”
kind-words = words “{ $value }”
found-international = The number was found in its international form: +7 in place of 8.
searched-where = Every message of tenant { $tenant } that you may see was searched, with no time limit.
try-beginning = Search for words that begin like this
try-list = Look through the list of all messages
try-hints = A phone number must be complete. A text that is hidden from you is not searched.
try-masked = Numbers of seven digits or more and one-time codes are hidden in texts and comments, and not searched there.
show-all = Show all
search-cut = The search took too long and was stopped before its end.
continue-search = Continue the search
show-conversation = Show the conversation

# Conversations and messages.
conversation = Conversation
subscriber = subscriber { $id }
jump-to-date = Jump to a date
show-days = Show these days
show = Show
older = Older messages
newer = Newer messages
newest = Newest messages
direction-in = incoming
direction-out = outgoing
replies-to = Reply to message { $id }
content-hidden = The text is hidden: it may contain a one-time code.
content-json = As JSON
whole-text = Whole text
place = Location
masked-note = Addresses, names, long numbers and codes are hidden. Reveal them with a reason.
masked-only = Addresses, names, long numbers and codes are hidden.
reveal-reason = Reason; it is recorded
reveal = Reveal
revealed-until = Everything of this person is shown until { $time }.
print-evidence = Print evidence
message-title = Message { $id }
status-history = Status history
no-statuses = No statuses are known.
sources = Where it came from
fields = Fields
raw-item = The message as JSON
source-import = import of a file
source-webhook = edna’s webhook
source-api = own system
source-pull = another endpoint’s history
column-time = Time
column-channel = Channel
column-person = Person
column-text = Text
column-status = Status
column-reason = Reason
column-source = Source
column-received = Received

# Copying.
copy = Copy
copy-link = Copy link
copy-edna = Copy as cURL (edna)
copy-oneuptime = Copy as cURL (OneUptime)
copy-json = Copy as JSON
copy-ticket = Copy for a ticket
copied = Copied.
copied-text = Text of “{ $form }”

# The list.
filters = Filters
remove-filter = Remove the filter { $name }
hidden-value = hidden
change-filters = Change the filters
apply-filters = Apply the filters
add-filters = Add to the filters
any = any
next-page = Next messages

# Words of messages.
status-accepted = accepted
status-enqueued = enqueued
status-delayed = delayed
status-sent = sent
status-delivered = delivered
status-read = read
status-undelivered = not delivered
status-failed = failed
status-cancelled = cancelled
status-expired = expired
status-invalid = not valid
reason-not-whatsapp-user = the number is not registered with WhatsApp
reason-not-viber-user = the number is not registered with Viber
reason-user-blocked = the number is blocked
reason-address-unknown = the address does not exist or cannot be reached
reason-address-format = invalid address format
reason-address-not-specified = no address was given
reason-subject-unknown = the sender is not allowed for this account
reason-subject-format = invalid sender format
reason-content-format = invalid content format
reason-content-type = the kind of content is wrong or missing
reason-template = the text matches no approved template
reason-attachment = the attachment’s URL is missing
reason-balance = insufficient balance
reason-parameters = invalid send parameter
reason-channel-not-specified = no messenger was given
reason-system = an error of the provider’s system
reason-unauthorized = the provider did not accept the account

# Evidence.
evidence = Evidence
evidence-made = Created { $time } by { $login }, tenant { $tenant }.
evidence-masked = Addresses, names, long numbers and codes are hidden.
evidence-whole = Nothing is hidden.
evidence-messages = Messages of the conversation on this sheet: { $number }.
evidence-from = Sent or received at { $time } or later.
evidence-to = Sent or received at { $time } or earlier.
evidence-senders = Only messages of these subjects (senders) are on this sheet, because its author sees no others: { $senders }.
evidence-cut = There are earlier messages, which are not on this sheet. Choose other days for them.
print-hint = To print the sheet, use your browser’s Print command (Ctrl+P); this part is not printed.
download-evidence = Download evidence
data-digest = SHA-256 of the JSON data in this file (that of the whole file is in the audit log):
evidence-verify = To check that this file is unchanged, run where the gateway’s store is:

# The audit log.
own-records = You see your own records only.
audit-person = Person: an address or its digest
audit-person-hint = A phone number must be complete, without other words.
audit-of-person = Only records about the person that you have named are shown.
audit-head = Entries in the chain: { $number }. Hash of the last:
audit-verify = Verify the whole chain on the server with
audit-links-broken = The log was changed in the database: entry { $number } is not as it was written. Keep a copy of the database, and verify the whole chain on the server.
from = From
to = To
older-records = Older records
no-records = No records.
no-records-yet = No records in this part of the log. The search continues with “Older records”.
search-log = Search the log
column-who = Who
column-from = IP address
column-action = Action
column-what = Details
column-rows = Rows
key-number = API key { $id }
quoted = “{ $text }”
digest = digest of an address
unmasked = unmasked:
action-signed-in = signed in
action-sign-in-failed = failed to sign in
action-signed-out = signed out
action-find = searched
action-list = looked at a list
action-recent-people = viewed their recent people
action-summary = looked at the counts
action-conversation = looked at a conversation
action-message = looked at a message
action-reveal = revealed a person’s data
action-evidence = looked at evidence
action-evidence-file = downloaded evidence
action-audit-log = looked at the audit log
action-users = looked at the users
action-user-created = created a user
action-user-disabled = disabled a user
action-user-enabled = enabled a user
action-password-changed = reset a password
action-sessions-ended = ended the sessions
action-api-read = read by an API key
action-api-count = counted by an API key

# Users.
role = Role
senders = Senders
senders-hint = IDs of the subjects (senders) whose messages the user sees; all if empty
column-created = Created
sessions = Sessions
column-actions = Actions
all = all
disabled = disabled
disable = Disable
enable = Enable
end-sessions = End the sessions
new-password-button = New password
new-password = The password of { $login }, shown only this once:
new-user = New user
create-user = Create the user
user-not-valid = The user was not created: a login has letters, digits and . _ - @ + only, senders are numbers, and only viewers and agents may be limited to some.
user-not-created = The user was not created: the login is taken, or the tenant has no such sender.

minutes-ago = { $number ->
        [one] { $number } minute ago
       *[other] { $number } minutes ago
    }
hours-ago = { $number ->
        [one] { $number } hour ago
       *[other] { $number } hours ago
    }
days-ago = { $number ->
        [one] { $number } day ago
       *[other] { $number } days ago
    }
audit-links-whole = { $number ->
        [one] The last entry of the chain is as it was written.
       *[other] The last { $number } entries of the chain are as they were written.
    }
count-exact = { $number ->
        [0] No messages match.
        [one] { $number } message
       *[other] { $number } messages
    }
count-more = { $number ->
        [one] { $number } message is shown; there are more
       *[other] { $number } messages are shown; there are more
    }
count-cut = { $number ->
        [0] No matches yet; the search continues on the next page.
        [one] { $number } message so far; the search continues on the next page.
       *[other] { $number } messages so far; the search continues on the next page.
    }
count-last = { $number ->
        [0] The end of the list: no further messages
        [one] The end of the list: { $number } more message
       *[other] The end of the list: { $number } more messages
    }
