"""Ways are chosen for topics, not for each kind of notice."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_password_resets'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='noticechoice', name='one_choice_per_kind'),
        migrations.RenameField(model_name='noticechoice', old_name='kind', new_name='topic'),
        migrations.AddConstraint(
            model_name='noticechoice',
            constraint=models.UniqueConstraint(fields=('user', 'topic'), name='one_choice_per_topic'),
        ),
    ]
