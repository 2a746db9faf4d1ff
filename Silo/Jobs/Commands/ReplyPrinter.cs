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
/// <param name="print">Where to.</param>
/// <param name="display">Which replies; null for those that the DDL shows, and all without one.</param>
/// <param name="action">What the agent's DDL says of the action; null when nobody knows.</param>
internal sealed class ReplyPrinter(Printer print, ReplyDisplay? display, DdlAction? action)
{
    private const int SilentPerLine = 3;

    // As Choria numbers its replies, and as its command line calls them.
    private static readonly string[] Statuses =
        ["", "Request Aborted", "Unknown Action", "Missing Request Data", "Invalid Request Data", "Unknown Request Status"];

    public void Print(JobView job, IReadOnlyList<JobResultView> results, IReadOnlyList<DdlSummary> summaries)
    {
        foreach (var result in results.Where(result => result.Code is not null && IsShown(result)))
        {
            Print(result);
        }

        PrintSilent([.. results.Where(result => result.Code is null)]);
        foreach (var summary in summaries.Where(summary => summary.Figures.Count > 0))
        {
            Print(summary);
        }

        var answered = job.Counts.Succeeded + job.Counts.Failed + job.Counts.Rejected;
        print.Say($"Finished processing {answered} / {job.Counts.All} hosts{Took(job)}");
        if (job.State != JobState.Completed)
        {
            print.Say($"The job {job.Id} is {JsonNamingPolicy.CamelCase.ConvertName(job.State.ToString())}: {job.Reason}");
        }
    }

    private bool IsShown(JobResultView result) => Display switch
    {
        ReplyDisplay.Always => true,
        ReplyDisplay.Failed => result.State != TargetState.Succeeded,
        ReplyDisplay.Ok => result.State == TargetState.Succeeded,
        _ => false,
    };

    private ReplyDisplay Display => display ?? action?.Display switch
    {
        DdlDisplay.Failed => ReplyDisplay.Failed,
        DdlDisplay.Ok => ReplyDisplay.Ok,
        _ => ReplyDisplay.Always,
    };

    private void Print(DdlSummary summary)
    {
        if (summary.Function != "summary")
        {
            print.Say($"{(summary.Function == "sum" ? "Sum" : "Average")} of {summary.DisplayAs}: {summary.Figures[0].Value}");
            print.Say("");
            return;
        }

        print.Say($"Summary of {summary.DisplayAs}:");
        foreach (var figure in summary.Figures)
        {
            print.Say($"   {figure.Value} = {figure.Nodes}");
        }

        if (summary.MoreValues > 0)
        {
            print.Say($"   (other values) = {summary.MoreValues}");
        }

        print.Say("");
    }

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
            var lines = data.EnumerateObject().Select(one => (Name: DisplayOf(one.Name), Value: Text(one.Value))).ToList();
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

    private string DisplayOf(string output) => action?.Outputs.FirstOrDefault(one => one.Name == output)?.DisplayAs ?? output;

    private static string Took(JobView job) => job is { StartedAt: { } from, EndedAt: { } to }
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" in {(to - from).TotalSeconds:0.0}s")
        : "";

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
