"""What gunicorn serves: `gunicorn wsgi:application`, one home or, with HELPDESK_TENANTS, many."""

from helpdesk.app import create_app
from helpdesk.settings import load_settings
from helpdesk.tenants import create_tenants

application = create_app() if load_settings().tenants is None else create_tenants()
