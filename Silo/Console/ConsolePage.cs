namespace ControlPlane.Console;

/// <summary>A page as it is answered: with headers by which nothing but our own files may run, style, load or frame it.</summary>
/// <remarks>Were a node's text ever to become markup, it could do nothing.</remarks>
internal sealed class ConsolePage(Html page, int status = StatusCodes.Status200OK) : IResult, IStatusCodeHttpResult
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        + "base-uri 'none'; frame-ancestors 'none'";

    public int? StatusCode => status;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var headers = httpContext.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        return Results.Content(page.Markup, "text/html; charset=utf-8", statusCode: status).ExecuteAsync(httpContext);
    }
}
