from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('settlement', '0005_certificates'),
    ]

    operations = [
        migrations.AddField(
            model_name='settlementrun',
            name='zone_fees',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='participantresult',
            name='zone_index',
            field=models.SmallIntegerField(null=True),
        ),
    ]
