using System.Text.Json;
using ControlPlane.Commands;

namespace ControlPlane.Jobs;

/// <summary>Which replies are shown.</summary>
internal enum ReplyDisplay
{
    /// <summary>Those of nodes that did not do it.</summary>
    Failed = 0,

    /// <summary>Those of nodes that did it.</summary>
    Ok = 1,

    /// <summary>All.</summary>
    Always = 2,

    /// <summary>None: only the summary.</summary>
    None = 3,
}

/// <summary>Prints replies as users of <c>choria req</c> know them.</summary>
internal sealed class ReplyPrinter(Printer print, ReplyDisplay display)
{
    private const int SilentPerLine = 3;

    // As Choria numbers its replies, and as its command line calls them.
    private static readonly string[] Statuses =
        ["", "Request Aborted", "Unknown Action", "Missing Request Data", "Invalid Request Data", "Unknown Request Status"];

    public void Print(JobView job, IReadOnlyList<JobResultView> results)
    {
        foreach (var result in results.Where(result => result.Code is not null && IsShown(result)))
        {
            Print(result);
        }

        PrintSilent([.. results.Where(result => result.Code is null)]);
        var answered = job.Counts.Succeeded + job.Counts.Failed + job.Counts.Rejected;
        print.Say($"Finished processing {answered} / {job.Counts.All} hosts{Took(job)}");
        if (job.State != JobState.Completed)
        {
            print.Say($"The job {job.Id} is {JsonNamingPolicy.CamelCase.ConvertName(job.State.ToString())}: {job.Reason}");
        }
    }

    private bool IsShown(JobResultView result) => display switch
    {
        ReplyDisplay.Always => true,
        ReplyDisplay.Failed => result.State != TargetState.Succeeded,
        ReplyDisplay.Ok => result.State == TargetState.Succeeded,
        _ => false,
    };

    private void Print(JobResultView result)
    {
        print.Say(result.Identity);
        if (result.Code is > 0 and var code)
        {
            print.Say($"   {(code < Statuses.Length ? Statuses[code] : $"Status {code}")}");
            print.Say($"   {result.Message}");
        }

        if (result.Data is { ValueKind: JsonValueKind.Object } data)
        {
            var lines = data.EnumerateObject().Select(one => (one.Name, Value: Text(one.Value))).ToList();
            var width = lines.Count == 0 ? 0 : lines.Max(line => line.Name.Length);
            lines.ForEach(line => print.Say($"   {line.Name.PadLeft(width)}: {line.Value}"));
        }

        print.Say("");
    }

    private void PrintSilent(IReadOnlyList<JobResultView> silent)
    {
        foreach (var same in silent.GroupBy(result => result.Message, StringComparer.Ordinal))
        {
            print.Say($"No replies from {same.Count()} hosts: {same.Key}");
            foreach (var line in same.Select(result => result.Identity).Order(StringComparer.Ordinal).Chunk(SilentPerLine))
            {
                print.Say($"   {string.Join("  ", line)}");
            }

            print.Say("");
        }
    }

    private static string Took(JobView job) => job is { StartedAt: { } from, EndedAt: { } to }
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" in {(to - from).TotalSeconds:0.0}s")
        : "";

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
