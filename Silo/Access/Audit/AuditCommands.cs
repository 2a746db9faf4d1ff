using System.CommandLine;
using System.Text.Json;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary><c>controlplane audit list|show|follow|export|verify</c>.</summary>
internal static class AuditCommands
{
    private const string Root = "v1/audit";
    private const string Export = "v1/audit:export";

    private static readonly TimeSpan FollowPause = TimeSpan.FromSeconds(1);

    public static Command Create() => new("audit", "The record of calls.") { List(), Show(), Follow(), ExportAll(), Verify() };

    private static ClientCommand List()
    {
        var filters = new AuditFilterOptions();
        var limit = new Option<int>("--limit") { Description = "At most so many records.", DefaultValueFactory = _ => 100 };
        var command = new ClientCommand("list", "Lists records, newest first.", async (call, cancellationToken) =>
        {
            var records = new List<AuditRecord>();
            var (cursor, most) = ("", Math.Max(1, call.Arguments.GetValue(limit)));
            do
            {
                var path = $"{Root}?{filters.Query(call.Arguments)}&limit={Math.Min(1000, most - records.Count)}&cursor={cursor}";
                var page = await call.Api.GetAsync<AuditRecordPage>(path, cancellationToken);
                records.AddRange(page.Records);
                cursor = page.Next;
            }
            while (cursor is not null && records.Count < most);
            Print(call.Print, records);
            if (cursor is not null)
            {
                call.Print.Say("there may be more");
            }
        })
        { limit };
        filters.AddTo(command);
        return command;
    }

    private static ClientCommand Show()
    {
        var id = new Argument<string>("id");
        return new ClientCommand("show", "Shows the records of a call.", async (call, cancellationToken) =>
        {
            var path = $"{Root}/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(id))}";
            var records = await call.Api.GetAsync<IReadOnlyList<AuditRecord>>(path, cancellationToken);
            call.Print.Whole(records, print =>
            {
                foreach (var record in records)
                {
                    PrintOne(print, record);
                    print.Say("");
                }
            });
        })
        { id };
    }

    private static ClientCommand Follow()
    {
        var filters = new AuditFilterOptions();
        var command = new ClientCommand("follow", "Prints records as they come, until it is stopped.", async (call, cancellationToken) =>
        {
            var query = filters.Query(call.Arguments);
            var cursor = (await call.Api.GetAsync<AuditRecordPage>($"{Root}?limit=1", cancellationToken)).End;
            while (!cancellationToken.IsCancellationRequested)
            {
                var page = await call.Api.GetAsync<AuditRecordPage>(
                    $"{Root}?{query}&oldestFirst=true&limit=1000&cursor={cursor}", cancellationToken);
                foreach (var record in page.Records)
                {
                    call.Print.Say(LineOf(record));
                }

                cursor = page.Next ?? cursor;
                if (page.IsEnd)
                {
                    await Task.Delay(FollowPause, TimeProvider.System, cancellationToken);
                }
            }
        });
        filters.AddTo(command);
        return command;
    }

    private static ClientCommand ExportAll()
    {
        var file = new Option<string>("--file") { Description = "Where to write.", HelpName = "FILE", Required = true };
        var after = new Option<ulong>("--after") { Description = "The position of the last line of an earlier export." };
        return new ClientCommand("export", "Writes the log with its chains, as lines of JSON.", async (call, cancellationToken) =>
        {
            var path = call.Arguments.GetRequiredValue(file);
            await using var lines = await call.Api.GetStreamAsync($"{Export}?after={call.Arguments.GetValue(after)}", cancellationToken);
            await using (var copy = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                await lines.CopyToAsync(copy, cancellationToken);
            }

            call.Print.Say($"written to {path}");
        })
        { file, after };
    }

    private static ClientCommand Verify()
    {
        var file = new Option<string?>("--file") { Description = "An export; without, the log of the control plane.", HelpName = "FILE" };
        var key = new Option<string[]>("--key") { Description = "A public key of the site, in hexadecimal: no other may have signed." };
        return new ClientCommand("verify", "Finds what was changed, removed or inserted.", async (call, cancellationToken) =>
        {
            var verification = new AuditVerification(SiteKeySigner.IsSigned, call.Arguments.GetValue(key) ?? []);
            var copy = call.Arguments.GetValue(file);
            await using var lines = copy is null
                ? await call.Api.GetStreamAsync(Export, cancellationToken)
                : File.OpenRead(copy);
            await ReadAsync(lines, verification, cancellationToken);
            var findings = verification.Finish(copy is null ? TimeProvider.System.GetUtcNow() : null);
            call.Print.One(
                findings,
                ("records", findings.Records),
                ("chains", string.Join(", ", findings.Chains)),
                ("last checkpoint", findings.Checkpoint is null ? null : $"{findings.Checkpoint} of {findings.CheckpointAt:O}"),
                ("signed by", findings.Keys.Count == 0 ? "nobody" : string.Join(", ", findings.Keys)),
                ("after it", findings.Uncovered),
                ("faults", findings.Faults.Count));
            foreach (var fault in findings.Faults)
            {
                call.Print.Say(fault);
            }

            if (findings.Faults.Count > 0)
            {
                throw new ApiRefusedException("the log does not verify");
            }
        })
        { file, key };
    }

    private static async Task ReadAsync(Stream lines, AuditVerification verification, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(lines, leaveOpen: true);
        for (var number = 1; await reader.ReadLineAsync(cancellationToken) is { } text; number++)
        {
            if (LineOrNull(text) is { } line)
            {
                verification.Add(line);
            }
            else
            {
                verification.AddUnreadable($"line {number}");
            }
        }
    }

    private static AuditLine? LineOrNull(string text)
    {
        try
        {
            var line = JsonSerializer.Deserialize<AuditLine>(text, AuditEndpoints.Lines);
            return line is { Topic: not null, Hash: not null, Body: not null } ? line : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Print(Printer print, IReadOnlyList<AuditRecord> records) => print.List(
        records,
        ("at", record => record.At),
        ("who", record => record.Who?.Principal ?? record.Omitted?.Address),
        ("kind", record => record.Kind),
        ("operation", record => record.Operation),
        ("on", TargetOf),
        ("outcome", OutcomeOf),
        ("id", record => record.Id));

    private static void PrintOne(Printer print, AuditRecord record) => print.One(
        record,
        ("id", record.Id),
        ("kind", record.Kind),
        ("at", record.At),
        ("who", record.Who?.Principal),
        ("by", record.Who?.Method),
        ("groups", record.Who?.Groups is { } groups ? string.Join(", ", groups) : null),
        ("credential", record.Who?.Credential),
        ("from", record.Who?.Address),
        ("permission", record.Permission),
        ("operation", record.Operation),
        ("on", TargetOf(record)),
        ("parameters", record.Parameters is { } all ? string.Join(", ", all.Select(one => $"{one.Key}={one.Value}")) : null),
        ("reason", record.Reason),
        ("submitter", record.Submitter),
        ("rule", record.Decision?.Rule),
        ("policy", record.Decision?.Policy),
        ("trace", record.Trace),
        ("outcome", OutcomeOf(record)),
        ("break-glass", record.BreakGlass ? "yes" : null),
        ("chain", $"{record.Chain} {record.Sequence}"));

    private static string LineOf(AuditRecord record) => string.Join(
        ' ',
        $"{record.At:O}",
        record.Who?.Principal ?? record.Omitted?.Address ?? "-",
        record.Kind,
        record.Operation,
        TargetOf(record),
        OutcomeOf(record),
        record.Id);

    private static string? TargetOf(AuditRecord record) =>
        record.On?.Node ?? record.On?.Overlay ?? record.On?.Plan ?? record.On?.Job ?? record.On?.Agent;

    private static string? OutcomeOf(AuditRecord record) =>
        record.Omitted is { } omitted ? $"{omitted.Count} left out since {omitted.Since:O}" : record.Outcome;
}

/// <summary>The filters that commands share.</summary>
internal sealed class AuditFilterOptions
{
    private readonly Option<string?> who = new("--who") { Description = "The principal." };
    private readonly Option<string?> permission = new("--permission") { Description = "The permission." };
    private readonly Option<string?> node = new("--node") { Description = "The node." };
    private readonly Option<string?> overlay = new("--overlay") { Description = "The overlay." };
    private readonly Option<string?> outcome = new("--outcome") { Description = "What the outcome begins with." };
    private readonly Option<DateTimeOffset?> since = new("--since") { Description = "Not before." };
    private readonly Option<DateTimeOffset?> until = new("--until") { Description = "Before." };
    private readonly Option<bool> denied = new("--denied") { Description = "Denied calls and failed sign-ins only." };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[who, permission, node, overlay, outcome, since, until, denied])
        {
            command.Add(option);
        }
    }

    public string Query(ParseResult arguments) => string.Join('&', new (string Name, string? Value)[]
    {
        ("who", arguments.GetValue(who)),
        ("permission", arguments.GetValue(permission)),
        ("node", arguments.GetValue(node)),
        ("overlay", arguments.GetValue(overlay)),
        ("outcome", arguments.GetValue(outcome)),
        ("since", arguments.GetValue(since)?.ToString("O")),
        ("until", arguments.GetValue(until)?.ToString("O")),
        ("denied", arguments.GetValue(denied) ? "true" : null),
    }.Where(one => one.Value is not null).Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value!)}"));
}
