using System.CommandLine;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary><c>controlplane job results ID</c>: a table for people, or the whole as JSON lines or CSV.</summary>
internal static class JobResultsCommand
{
    public static ClientCommand Create()
    {
        var id = new Argument<string>("id");
        var states = JobCommands.StatesOption("Only results of targets that ended in this state; several are given one by one.");
        var reply = new Option<string?>("--filter-replies")
        {
            Description = "A reply expression, e.g. \"not ok() and msg =~ /disk/\" or \"data('os.major') < 12\".",
        };
        var export = new Option<string?>("--export") { Description = "Write all results as jsonl or csv." };
        export.AcceptOnlyFromAmong("jsonl", "csv");
        var file = new Option<string?>("--file")
        {
            Description = "With --export: where to write; standard output without.", HelpName = "FILE",
        };
        return new ClientCommand("results", "Shows what came of a job at its targets.", async (call, cancellationToken) =>
        {
            var query = $"{JobCommands.PathOf(call, id)}/results?reply={Uri.EscapeDataString(call.Arguments.GetValue(reply) ?? "")}"
                + JobCommands.Query(call, states);
            if (call.Arguments.GetValue(export) is { } format)
            {
                await ExportAsync(call, $"{query}&format={format}", call.Arguments.GetValue(file), cancellationToken);
                return ExitCodes.Done;
            }

            var (results, missing) = await ListAsync(call, query, cancellationToken);
            call.Print.List(results,
                ("identity", result => result.Identity),
                ("attempt", result => result.Attempt),
                ("state", result => result.State),
                ("code", result => result.Code),
                ("message", result => result.Message),
                ("data", result => result.Data));
            return SayMissing(call, missing);
        })
        { id, states, reply, export, file };
    }

    /// <summary>All results of a job, and the overlays that do not answer and whose results are missing.</summary>
    /// <param name="call">The call of a command.</param>
    /// <param name="path">Its results, with a query.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<(List<JobResultView> Results, IReadOnlyCollection<string> Missing)> ListAsync(
        ClientCall call, string path, CancellationToken cancellationToken)
    {
        var missing = new HashSet<string>(StringComparer.Ordinal);
        var results = await call.Api.ListAsync<JobResultsPage, JobResultView>(
            $"{path}&limit={IJobGrain.ResultsPageMax}",
            page =>
            {
                missing.UnionWith(page.Unreachable);
                return (page.Results, page.Next);
            },
            cancellationToken);
        return (results, missing);
    }

    /// <summary>Says which overlays a list is without.</summary>
    /// <returns>The exit code of a command that shows it.</returns>
    public static int SayMissing(ClientCall call, IReadOnlyCollection<string> missing)
    {
        if (missing.Count == 0)
        {
            return ExitCodes.Done;
        }

        call.Arguments.InvocationConfiguration.Error.WriteLine(
            $"without {Printer.Printable(string.Join(", ", missing.Order(StringComparer.Ordinal)))}, which does not answer");
        return ExitCodes.Unreachable;
    }

    private static async Task ExportAsync(ClientCall call, string path, string? file, CancellationToken cancellationToken)
    {
        await using var lines = await call.Api.GetStreamAsync(path, cancellationToken);
        if (file is not null)
        {
            await using var copy = File.Create(file);
            await lines.CopyToAsync(copy, cancellationToken);
            call.Print.Say($"written to {file}");
            return;
        }

        using var reader = new StreamReader(lines);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            await call.Arguments.InvocationConfiguration.Output.WriteLineAsync(line);
        }
    }
}
