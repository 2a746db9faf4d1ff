using System.ComponentModel;
using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Certificates;

/// <summary>Certificates: which there are and why, revoking them, revocation lists, and the ledger's history.</summary>
internal static class CertificateEndpoints
{
    private const int PageDefault = 100;
    private const int ExplanationLengthMax = 200;
    private const int SerialLengthMax = 40;

    public static void MapCertificates(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/certificates", ListAsync).WithName("ListCertificates").WithTags("certificates").Requires(Permissions.CertificatesRead)
            .WithSummary("Orders of an issuer's ledger that are in a state, with their certificates, oldest first, a page at a time.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapGet("/nodes/{identity}/certificates", ListOfNodeAsync)
            .WithName("ListNodeCertificates").WithTags("certificates").Requires(Permissions.CertificatesRead)
            .WithSummary("Every order of one node with its certificate, newest first: its lineage.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        v1.MapPost("/certificates/{issuer}/{serial}:revoke", RevokeAsync)
            .WithName("RevokeCertificate").WithTags("certificates").Requires(Permissions.CertificatesRevoke)
            .WithSummary("Has a certificate revoked at once. The CA is asked until it confirms. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        v1.MapGet("/issuers", ListIssuersAsync).WithName("ListIssuers").WithTags("certificates").Requires(Permissions.CertificatesRead)
            .WithSummary("The issuers whose ledgers there are.");
        v1.MapGet("/issuers/{issuer}/history/{shard:int}", HistoryAsync)
            .WithName("GetLedgerHistory").WithTags("certificates").Requires(Permissions.CertificatesRead)
            .WithSummary("The history of one shard of an issuer's ledger, with what does not fit together in it.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);

        // Relying parties have no token; a revocation list is public and signed.
        v1.MapGet("/issuers/{issuer}/crl", RevocationListAsync).WithName("GetRevocationList").WithTags("certificates").AllowAnonymous()
            .WithSummary("An issuer's certificate revocation list, DER: the signing CA's, or that of an older one by its index.")
            .Produces<byte[]>(StatusCodes.Status200OK, RevocationListType)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private const string RevocationListType = "application/pkix-crl";

    private static ICertificateInventoryGrain Inventory(IGrainFactory grains) => grains.GetGrain<ICertificateInventoryGrain>(0);

    private static async Task<Results<Ok<CertificatePageBody>, ProblemHttpResult>> ListAsync(
        IGrainFactory grains,
        [Description("Whose ledger, as /v1/issuers names it.")] string issuer,
        [Description("intended, issued, refused, outcomeUnknown, revocationDue or closed.")] string state = nameof(LedgerState.Issued),
        [Description("The nextCursor of the page before; the first page without.")] string? cursor = null,
        [Description("Orders per page, 1 to 1000.")] int limit = PageDefault,
        CancellationToken cancellationToken = default)
    {
        if (limit is < 1 or > ICertificateInventoryGrain.PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {ICertificateInventoryGrain.PageMax}, is {limit}");
        }

        if (state.Length == 0 || !char.IsLetter(state[0]) || !Enum.TryParse<LedgerState>(state, ignoreCase: true, out var wanted))
        {
            return Problems.Malformed($"state must be one of {string.Join(", ", Enum.GetNames<LedgerState>())}, in any case");
        }

        if (!LedgerCursor.TryRead(cursor, out var after))
        {
            return Problems.Malformed("cursor is not one that this API gave");
        }

        if (!(await Inventory(grains).ListIssuers()).Contains(issuer))
        {
            return UnknownIssuer(issuer);
        }

        var page = await Inventory(grains).List(issuer, wanted, after, limit, cancellationToken);
        return TypedResults.Ok(new CertificatePageBody(page.Certificates, page.Next is { } next ? LedgerCursor.Write(next) : null));
    }

    private static async Task<Results<Ok<IReadOnlyList<CertificateRecord>>, ProblemHttpResult>> ListOfNodeAsync(
        IGrainFactory grains, string identity, CancellationToken cancellationToken) => NodeIdentity.IsValid(identity)
            ? TypedResults.Ok(await Inventory(grains).ListOfNode(identity, cancellationToken))
            : Problems.Malformed(NodeIdentity.Rule);

    private static async Task<Results<Accepted<CertificateRecord>, ProblemHttpResult>> RevokeAsync(
        IGrainFactory grains,
        string issuer,
        string serial,
        [FromBody] RevocationBody body,
        CancellationToken cancellationToken)
    {
        var explanation = body.Explanation.Trim();
        if (explanation.Length is 0 or > ExplanationLengthMax || explanation.Any(char.IsControl))
        {
            return Problems.Malformed($"explanation must be 1 to {ExplanationLengthMax} characters on one line");
        }

        if (serial.Length is 0 or > SerialLengthMax || !serial.All(char.IsAsciiHexDigit))
        {
            return Problems.Malformed($"serial must be 1 to {SerialLengthMax} hexadecimal digits");
        }

        var request = new CertificateRevocationRequest(
            issuer, serial.ToUpperInvariant().TrimStart('0'), body.Reason, explanation);
        return await Inventory(grains).Revoke(request, cancellationToken) switch
        {
            CertificateRevocation.Due due => TypedResults.Accepted($"/v1/nodes/{due.Certificate.Identity}/certificates", due.Certificate),
            CertificateRevocation.Impossible impossible => Problems.IssuerCannotRevoke(impossible.Detail),
            CertificateRevocation.UnknownCertificate =>
                Problems.Unknown("certificate", $"no ledger knows a certificate {request.SerialNumber} of '{issuer}'"),
            _ => throw new UnreachableException(),
        };
    }

    private static async Task<Ok<IReadOnlyList<string>>> ListIssuersAsync(IGrainFactory grains) =>
        TypedResults.Ok(await Inventory(grains).ListIssuers());

    private static async Task<Results<Ok<LedgerHistory>, ProblemHttpResult>> HistoryAsync(
        IGrainFactory grains,
        string issuer,
        [Description("0 to 31: orders are spread by their node's identity.")] int shard,
        [Description("The last sequence of the page before; the first page without.")] long after = 0,
        [Description("Records per page, 1 to 1000.")] int limit = PageDefault,
        CancellationToken cancellationToken = default)
    {
        if (limit is < 1 or > ICertificateInventoryGrain.PageMax || shard is < 0 or >= CertificateShard.Count || after < 0)
        {
            return Problems.Malformed(
                $"shard must be 0 to {CertificateShard.Count - 1}, after not negative, and limit 1 to {ICertificateInventoryGrain.PageMax}");
        }

        return (await Inventory(grains).ListIssuers()).Contains(issuer)
            ? TypedResults.Ok(await Inventory(grains).GetHistory(issuer, shard, after, limit, cancellationToken))
            : UnknownIssuer(issuer);
    }

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> RevocationListAsync(
        IGrainFactory grains,
        string issuer,
        [Description("0, the signing CA's, or a higher number for one that it replaced.")] int index = 0,
        CancellationToken cancellationToken = default)
    {
        var lists = await Inventory(grains).GetRevocationLists(issuer, cancellationToken);
        return lists is not null && index >= 0 && index < lists.Count
            ? TypedResults.File(lists[index], RevocationListType)
            : Problems.Unknown("revocation-list", $"'{issuer}' publishes no revocation list {index}");
    }

    private static ProblemHttpResult UnknownIssuer(string issuer) =>
        Problems.Unknown("issuer", $"there is no ledger of an issuer '{issuer}'; /v1/issuers lists those that there are");
}

/// <param name="Reason">RFC 5280's reason, for relying parties.</param>
/// <param name="Explanation">Why, for the ledger. 1 to 200 characters.</param>
internal sealed record RevocationBody(RevocationReason Reason, string Explanation) : IGivesReason
{
    string IGivesReason.Reason => Explanation;
}

/// <param name="Certificates">The page.</param>
/// <param name="NextCursor">What to ask for the next page with; null on the last one.</param>
internal sealed record CertificatePageBody(IReadOnlyList<CertificateRecord> Certificates, string? NextCursor);
