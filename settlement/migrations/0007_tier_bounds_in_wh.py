from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("settlement", "0006_zone_fees")]

    operations = [
        migrations.RemoveField("invoiceline", "tier_from_kwh"),
        migrations.RemoveField("invoiceline", "tier_to_kwh"),
        migrations.AddField("invoiceline", "tier_from_wh", models.BigIntegerField(null=True)),
        migrations.AddField("invoiceline", "tier_to_wh", models.BigIntegerField(null=True)),
    ]
