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
