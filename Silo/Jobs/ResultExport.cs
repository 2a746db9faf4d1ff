using System.Text.Json;
using CsvHelper;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace ControlPlane.Jobs;

internal enum ResultFormat
{
    /// <summary>A page of the API.</summary>
    Json = 0,

    /// <summary>All results, a JSON object a line.</summary>
    JsonLines = 1,

    /// <summary>All results as a table.</summary>
    Csv = 2,
}

/// <summary>In which form results are asked for.</summary>
internal static class ResultFormats
{
    public const string JsonLinesType = "application/x-ndjson";
    public const string CsvType = "text/csv";

    /// <param name="format">What the query says; it goes first.</param>
    /// <param name="accept">What the header says.</param>
    /// <param name="found">The form.</param>
    public static bool TryRead(string? format, StringValues accept, out ResultFormat found)
    {
        (var isKnown, found) = format switch
        {
            null or "" => (true, OfAccept(accept)),
            "json" => (true, ResultFormat.Json),
            "jsonl" => (true, ResultFormat.JsonLines),
            "csv" => (true, ResultFormat.Csv),
            _ => (false, ResultFormat.Json),
        };
        return isKnown;
    }

    private static ResultFormat OfAccept(StringValues accept)
    {
        if (!MediaTypeHeaderValue.TryParseList(accept, out var types))
        {
            return ResultFormat.Json;
        }

        var best = types.OrderByDescending(type => type.Quality ?? 1).Select(type => type.MediaType.Value).FirstOrDefault();
        return best switch { JsonLinesType => ResultFormat.JsonLines, CsvType => ResultFormat.Csv, _ => ResultFormat.Json };
    }
}

/// <summary>Writes results as files, as they are read.</summary>
internal static class ResultExport
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    // What nodes say may begin with '=': a spreadsheet must not run it.
    private static readonly CsvWriterOptions Csv = new() { Injection = CsvInjection.Escape };

    public static PushStreamHttpResult Stream(
        ResultFormat format, IAsyncEnumerable<JobResultView> results, JsonSerializerOptions json, CancellationToken cancellationToken) =>
        format == ResultFormat.Csv
            ? TypedResults.Stream(body => WriteCsvAsync(body, results, cancellationToken), ResultFormats.CsvType)
            : TypedResults.Stream(body => WriteLinesAsync(body, results, json, cancellationToken), ResultFormats.JsonLinesType);

    public static async Task WriteLinesAsync(
        Stream body, IAsyncEnumerable<JobResultView> results, JsonSerializerOptions json, CancellationToken cancellationToken)
    {
        await foreach (var result in results.WithCancellation(cancellationToken))
        {
            await JsonSerializer.SerializeAsync(body, result, json, cancellationToken);
            await body.WriteAsync(NewLine, cancellationToken);
        }
    }

    public static async Task WriteCsvAsync(Stream body, IAsyncEnumerable<JobResultView> results, CancellationToken cancellationToken)
    {
        await using var csv = CsvWriter.Create(body, Csv, leaveOpen: true);
        csv.WriteHeader("identity", "overlay", "attempt", "state", "code", "message", "at", "late", "data");
        await foreach (var result in results.WithCancellation(cancellationToken))
        {
            csv.WriteField(result.Identity);
            csv.WriteField(result.Overlay);
            csv.WriteField(result.Attempt);
            csv.WriteField(JsonNamingPolicy.CamelCase.ConvertName(result.State.ToString()));
            csv.WriteField(result.Code);
            csv.WriteField(result.Message);
            csv.WriteField(result.At.UtcDateTime);
            csv.WriteField(result.IsLate ? "true" : "false");
            csv.WriteField(result.Data?.GetRawText());
            await csv.EndRecordAsync(cancellationToken);
        }

        await csv.FlushAsync(cancellationToken);
    }
}
