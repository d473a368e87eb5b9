# Тексты консоли по-русски.
product = history-gateway
skip-to-content = Перейти к содержимому
page-title = { $page } — history-gateway

sign-in-title = Вход
sign-in = Войти
sign-out = Выйти
login = Логин
password = Пароль
signed-in-as = Вы вошли как { $login } ({ $role })
wrong-login = Неверный логин или пароль, либо пользователь отключён.
too-many-attempts = Слишком много попыток. Повторите через { $seconds ->
        [one] { $seconds } секунду
        [few] { $seconds } секунды
       *[many] { $seconds } секунд
    }.
unavailable-title = Недоступно
unavailable = Сервис временно недоступен. Повторите попытку позже.
form-not-accepted-title = Отклонено
form-not-accepted = Форма отклонена, изменения не внесены. Вернитесь назад, обновите страницу и повторите попытку.

role-viewer = наблюдатель
role-agent = оператор
role-auditor = аудитор
role-admin = администратор

language = Язык
apply = Применить

start = Главная
