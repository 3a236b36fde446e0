from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0005_bulk_jobs_once'),
    ]

    operations = [
        migrations.CreateModel(
            name='LooseFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.CharField(max_length=200, unique=True)),
                ('since', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['-created_at', '-id'], name='ticket_newest'),
        ),
    ]
