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
wrong-login = Неверный логин или пароль, либо пользователь заблокирован.
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

navigation = Разделы
messages = Сообщения
audit = Журнал аудита
users = Пользователи
find-messages = Найти сообщения
find-placeholder = Телефон, e-mail, id, номер заказа, слова
find = Найти
zone = Часовой пояс
keys = Клавиши
key-find = поиск сообщений
key-next = следующее сообщение
key-previous = предыдущее сообщение
key-open = открыть
key-back = назад
key-start = главная страница
key-copy = скопировать ссылку
key-help = этот список

not-recorded = Просмотр не удалось записать в журнал, поэтому ничего не показано. Повторите попытку; если не поможет, сообщите администратору.
not-found-title = Не найдено
not-found = Такого сообщения нет, либо оно вам недоступно.
no-such-page = Такой страницы нет.
not-valid-title = Неверные данные
no-such-subject = Такого отправителя нет, либо он вам недоступен. Вернитесь назад и уберите этот фильтр.
not-valid-days = Эти даты не подходят: нужны существующие даты, первая не позже последней. Вернитесь назад и исправьте их.
not-valid-filter = У фильтра { $name } недопустимое значение. Вернитесь назад и исправьте его.
not-valid = В ссылке или форме есть недопустимое значение. Вернитесь назад и исправьте его.
not-allowed-title = Недоступно
not-allowed = Ваша роль этого не позволяет.
other-session-title = Ссылка из другого сеанса
other-session = Ссылка содержит адрес или текст, доступные только в том сеансе, где она создана. Выполните поиск заново.

just-now = только что

start-hint = Найдите клиента или сообщение в строке выше; клавиша / переводит в неё.
counted-at = По состоянию на { $time }
show-counts = Показать итоги за сегодня и вчера
counts = Сегодня и вчера
today = Сегодня, { $date } { $zone }
yesterday = Вчера, { $date } { $zone }
count-sent = Отправлено
count-delivered = Доставлено, не прочитано
count-read = Прочитано
count-failed = Не доставлено
count-received = Получено
reasons-of-page = Почему не доставлены сообщения этой страницы
reasons = Почему сообщения не доставлены
no-reason = причина не указана
recent-people = Недавно просмотренные клиенты
no-messages-here = Сообщений нет.
no-messages-on-day = В этот день сообщений нет. Показаны последние до него.
no-messages-until = До этого дня включительно сообщений нет. Показаны первые после него.

found-title = Результаты поиска
nothing-found = Ничего не найдено. Искали: { $kinds }.
kind-phone = телефон { $value }
kind-email = e-mail { $value }
kind-address = адрес { $value }
kind-message = сообщение { $value }
kind-subscriber = подписчик { $value }
kind-broadcast = рассылка { $value }
kind-cascade = каскад { $value }
kind-comment = комментарий «{ $value }»
kind-words = слова «{ $value }»
found-international = Номер найден в международной форме: +7 вместо 8.
searched-where = Искали во всех доступных вам сообщениях аккаунта { $tenant } за всё время.
try-beginning = Искать слова с таким началом
try-list = Посмотреть список всех сообщений
try-hints = Номер телефона нужен целиком. Скрытый от вас текст в поиске не участвует.
try-masked = Числа из семи и более цифр и одноразовые коды в текстах и комментариях скрыты и там не ищутся.
show-all = Показать все
search-cut = Поиск занял слишком много времени и был остановлен, не дойдя до конца.
continue-search = Продолжить поиск
show-conversation = Показать переписку

conversation = Переписка
subscriber = подписчик { $id }
jump-to-date = Перейти к дате
show-days = Показать за эти дни
show = Показать день
older = Более ранние сообщения
newer = Более поздние сообщения
newest = Последние сообщения
direction-in = входящее
direction-out = исходящее
replies-to = Ответ на сообщение { $id }
content-hidden = Текст скрыт: в нём может быть одноразовый код.
content-json = В виде JSON
whole-text = Весь текст
place = Геопозиция
masked-note = Адреса, имена, длинные номера и коды скрыты. Укажите причину, чтобы показать их.
masked-only = Адреса, имена, длинные номера и коды скрыты.
reveal-reason = Причина; она будет записана
reveal = Показать
revealed-until = Данные этого клиента открыты до { $time }.
print-evidence = Распечатать выписку
message-title = Сообщение { $id }
status-history = История статусов
no-statuses = Статусы неизвестны.
sources = Откуда получено
fields = Поля
raw-item = Сообщение в виде JSON
source-import = импорт из файла
source-webhook = вебхук edna
source-api = собственная система
source-pull = история другого сервера
column-time = Время
column-channel = Канал
column-person = Клиент
column-text = Текст
column-status = Статус
column-reason = Причина
column-source = Источник
column-received = Получено

copy = Копирование
copy-link = Скопировать ссылку
copy-edna = Скопировать как cURL (edna)
copy-oneuptime = Скопировать как cURL (OneUptime)
copy-json = Скопировать как JSON
copy-ticket = Скопировать для заявки
copied = Скопировано.
copied-text = Текст для «{ $form }»

filters = Фильтры
remove-filter = Убрать фильтр { $name }
hidden-value = скрыто
change-filters = Изменить фильтры
apply-filters = Применить фильтры
add-filters = Добавить к фильтрам
any = все
next-page = Следующие сообщения

status-accepted = принято
status-enqueued = в очереди
status-delayed = отложено
status-sent = отправлено
status-delivered = доставлено
status-read = прочитано
status-undelivered = не доставлено
status-failed = ошибка отправки
status-cancelled = отменено
status-expired = истёк срок доставки
status-invalid = некорректное сообщение
reason-not-whatsapp-user = номер не зарегистрирован в WhatsApp
reason-not-viber-user = номер не зарегистрирован в Viber
reason-user-blocked = номер заблокирован
reason-address-unknown = адрес не существует или недоступен
reason-address-format = неверный формат адреса
reason-address-not-specified = адрес не указан
reason-subject-unknown = отправитель не разрешён для этого аккаунта
reason-subject-format = неверный формат отправителя
reason-content-format = неверный формат содержимого
reason-content-type = вид содержимого неверен или не указан
reason-template = текст не соответствует ни одному одобренному шаблону
reason-attachment = не указана ссылка на вложение
reason-balance = недостаточно средств на счёте
reason-parameters = неверный параметр отправки
reason-channel-not-specified = мессенджер не указан
reason-system = ошибка системы провайдера
reason-unauthorized = провайдер не принял учётные данные

evidence = Выписка по сообщениям
evidence-made = Составлено { $time }, пользователь { $login }, аккаунт { $tenant }.
evidence-masked = Адреса, имена, длинные номера и коды скрыты.
evidence-whole = Ничего не скрыто.
evidence-messages = Сообщений переписки в этой выписке: { $number }.
evidence-from = Отправлены или получены не ранее { $time }.
evidence-to = Отправлены или получены не позднее { $time }.
evidence-senders = В этой выписке только сообщения этих отправителей, потому что другие её автору недоступны: { $senders }.
evidence-cut = Есть более ранние сообщения, которых нет в этой выписке. Чтобы получить их, выберите другие дни.
print-hint = Чтобы распечатать выписку, выберите «Печать» в браузере (Ctrl+P); эта часть не печатается.
download-evidence = Скачать выписку
data-digest = SHA-256 данных JSON в этом файле (SHA-256 всего файла — в журнале аудита):
evidence-verify = Чтобы проверить, что файл не изменён, выполните там, где находится хранилище сервера:

own-records = Вы видите только собственные записи.
audit-person = Клиент: адрес или его хеш
audit-person-hint = Номер телефона нужен целиком, без других слов.
audit-of-person = Показаны только записи об указанном клиенте.
audit-head = Звеньев в цепочке: { $number }. Хеш последнего:
audit-verify = Проверка всей цепочки на сервере:
audit-links-broken = Журнал изменён в базе данных: запись { $number } не такая, какой была сделана. Сохраните копию базы и проверьте всю цепочку на сервере.
from = С
to = По
older-records = Более ранние записи
no-records = Записей нет.
no-records-yet = В этой части журнала записей нет. Поиск продолжит ссылка «Более ранние записи».
search-log = Найти в журнале
column-who = Кто
column-from = IP-адрес
column-action = Действие
column-what = Подробности
column-rows = Строки
key-number = ключ API { $id }
quoted = «{ $text }»
digest = хеш адреса
unmasked = без маскирования:
action-signed-in = вход
action-sign-in-failed = неудачный вход
action-signed-out = выход
action-find = поиск
action-list = просмотр списка
action-recent-people = показ недавних клиентов
action-summary = просмотр итогов
action-conversation = просмотр переписки
action-message = просмотр сообщения
action-reveal = раскрытие данных
action-evidence = просмотр выписки
action-evidence-file = скачивание выписки
action-audit-log = просмотр журнала
action-users = просмотр пользователей
action-user-created = создание пользователя
action-user-disabled = блокировка пользователя
action-user-enabled = разблокировка пользователя
action-password-changed = сброс пароля
action-sessions-ended = завершение сеансов
action-api-read = чтение по ключу API
action-api-count = подсчёт по ключу API

role = Роль
senders = Отправители
senders-hint = ID отправителей, чьи сообщения видны; пусто — все
column-created = Создан
sessions = Сеансы
column-actions = Действия
all = все
disabled = заблокирован
disable = Заблокировать
enable = Разблокировать
end-sessions = Завершить сеансы
new-password-button = Новый пароль
new-password = Пароль пользователя { $login }, показывается один раз:
new-user = Новый пользователь
create-user = Создать пользователя
user-not-valid = Пользователь не создан: логин состоит из букв, цифр и . _ - @ +, отправители указываются числовыми ID, и ограничить ими можно только наблюдателя и оператора.
user-not-created = Пользователь не создан: логин занят или такого отправителя нет.

minutes-ago = { $number ->
        [one] { $number } минуту назад
        [few] { $number } минуты назад
       *[many] { $number } минут назад
    }
hours-ago = { $number ->
        [one] { $number } час назад
        [few] { $number } часа назад
       *[many] { $number } часов назад
    }
days-ago = { $number ->
        [one] { $number } день назад
        [few] { $number } дня назад
       *[many] { $number } дней назад
    }
audit-links-whole = { $number ->
        [one] Последнее { $number } звено цепочки не изменено.
        [few] Последние { $number } звена цепочки не изменены.
       *[many] Последние { $number } звеньев цепочки не изменены.
    }
count-exact = { $number ->
        [0] Подходящих сообщений нет.
        [one] { $number } сообщение
        [few] { $number } сообщения
       *[many] { $number } сообщений
    }
count-more = { $number ->
        [one] Показано { $number } сообщение; есть ещё
        [few] Показано { $number } сообщения; есть ещё
       *[many] Показано { $number } сообщений; есть ещё
    }
count-cut = { $number ->
        [0] Пока ни одного сообщения; поиск продолжится на следующей странице.
        [one] Пока { $number } сообщение; поиск продолжится на следующей странице.
        [few] Пока { $number } сообщения; поиск продолжится на следующей странице.
       *[many] Пока { $number } сообщений; поиск продолжится на следующей странице.
    }
count-last = { $number ->
        [0] Конец списка: больше сообщений нет
        [one] Конец списка: ещё { $number } сообщение
        [few] Конец списка: ещё { $number } сообщения
       *[many] Конец списка: ещё { $number } сообщений
    }
