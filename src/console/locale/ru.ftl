# Тексты консоли по-русски.
product = history-gateway
skip-to-content = К содержанию
page-title = { $page } – history-gateway

sign-in = Войти
sign-out = Выйти
login = Логин
password = Пароль
signed-in-as = Вы вошли как { $login } ({ $role })
wrong-login = Логин или пароль неверен, или пользователь отключён.
too-many-attempts = Слишком много попыток. Повторите через { $seconds ->
        [one] { $seconds } секунду
        [few] { $seconds } секунды
       *[many] { $seconds } секунд
    }.
unavailable = Хранилище сейчас не отвечает. Повторите попытку.
form-not-accepted = Форма не принята, ничего не сделано. Вернитесь, загрузите страницу заново и повторите.

role-viewer = наблюдатель
role-agent = оператор
role-auditor = аудитор
role-admin = администратор

language = Язык
apply = Применить

start = Начало
