"""What gunicorn serves: `gunicorn wsgi:application`."""

from helpdesk.app import create_app

application = create_app()
