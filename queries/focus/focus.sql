-- Purpose: FOCUS: what the calls cost at list prices, as charges
-- Grain:   day × sub account × tags × model × tier × meter × unit price × booking
-- Reads:   metered, account
-- By:      day, booking, tag:project, tag:team, tag:key
-- Once:    replay/metered, replay/uncharged
-- Params:  $zone
-- Columns:
--     BilledCost           the exact cost at the dated price: ConsumedQuantity × rate, nothing
--                          rounded
--     BillingAccountId     billing_account_id of [focus] in audit.toml
--     BillingAccountName   billing_account_name, else the id
--     BillingCurrency      USD
--     BillingPeriodEnd     first moment of the next month of the zone, in UTC: not in it
--     BillingPeriodStart   first moment of the month of the zone, in UTC
--     ChargeCategory       Usage
--     ChargeClass          Correction of a closed month, else empty
--     ChargeDescription    model, meter and tier in words
--     ChargeFrequency      Usage-Based
--     ChargePeriodEnd      first moment of the next day of the zone, in UTC: not in it
--     ChargePeriodStart    first moment of the day of the zone, in UTC
--     ConsumedQuantity     tokens
--     ConsumedUnit         Tokens
--     ContractedCost       as BilledCost: contracts are not known
--     ContractedUnitPrice  as ListUnitPrice
--     EffectiveCost        as BilledCost
--     HostProviderName     from 1.3 on: provider of [focus]
--     InvoiceId            empty: the logs know no invoice
--     InvoiceIssuerName    invoice_issuer of [focus], else the provider
--     ListCost             as BilledCost: the price book holds list prices
--     ListUnitPrice        USD per 1,000,000 tokens
--     PricingCategory      Standard
--     PricingQuantity      tokens / 1,000,000
--     PricingUnit          1000000 Tokens
--     ProviderName         1.2 alone: provider of [focus], OpenAI unless given
--     PublisherName        1.2 alone: likewise
--     ServiceCategory      AI and Machine Learning
--     ServiceName          service of [focus], else the provider and API
--     ServiceProviderName  from 1.3 on: provider of [focus]
--     ServiceSubcategory   Generative AI
--     SkuId                model of the price book and meter
--     SkuMeter             Input Tokens, Cache Read Tokens, Cache Write Tokens, Output Tokens,
--                          Reasoning Tokens
--     SkuPriceDetails      JSON: x_ModelId (as logged), x_ProcessingTier, x_TokenDirection,
--                          x_TokenCacheAction
--     SkuPriceId           SkuId, tier and unit price: one price, one id
--     SubAccountId         value of the tag project (or --focus-sub-account TAG); empty: none
--     SubAccountName       likewise
--     SubAccountType       name of that tag
--     Tags                 JSON: team, and the tag key as x_ApiKeyId, where the calls have them
--     x_Booking            open; or of a closed month: closed, and correction for what came later
--     x_ModelId            the name in the log: of the model that served, else of the one asked for
--     x_PricedAs           the row of the price book
--     x_ProcessingTier     standard, batch, …
--     x_TimeZone           the zone whose days and months the periods are
--
-- BilledCost of all rows is the actual cost of the calls that have a price, to the last digit.
-- Other calls are no rows of 0: manifest.json says how many there are and why.
WITH
    meters AS (
        SELECT *
        FROM (VALUES
            ('input', 'Input', NULL, 'Input Tokens'),
            ('cache_read', 'Input', 'Read', 'Cache Read Tokens'),
            ('cache_write', 'Input', 'Write', 'Cache Write Tokens'),
            ('output', 'Output', NULL, 'Output Tokens'),
            ('reasoning', 'Output', NULL, 'Reasoning Tokens')
        ) AS named(meter, direction, cache_action, sku_meter)
    ),
    charges AS (
        SELECT
            by_1::DATE AS day,
            date_trunc('month', by_1::DATE)::DATE AS month,
            by_2 AS booking,
            nullif(by_3, '') AS sub_account,
            nullif(by_4, '') AS team,
            nullif(by_5, '') AS api_key,
            metered.*,
            meters.* EXCLUDE (meter),
            concat_ws('-', priced_as, replace(meter, '_', '-')) AS sku,
            json_merge_patch(
                json_object(
                    'x_ModelId', logged_model, 'x_ProcessingTier', tier, 'x_TokenDirection', direction
                ),
                json_object('x_TokenCacheAction', cache_action)
            )::VARCHAR AS sku_details,
            (usd_per_token::DECIMAL(30, 12) * 1000000::DECIMAL(7, 0))::DECIMAL(38, 6) AS unit_price
        FROM metered
        JOIN meters USING (meter)
        WHERE by_1 <> ''
    )
SELECT
    cost_usd AS BilledCost,
    billing_account_id AS BillingAccountId,
    billing_account_name AS BillingAccountName,
    'USD' AS BillingCurrency,
    focus_moment(month + INTERVAL 1 MONTH, $zone) AS BillingPeriodEnd,
    focus_moment(month, $zone) AS BillingPeriodStart,
    'Usage' AS ChargeCategory,
    CASE WHEN booking = 'correction' THEN 'Correction' END AS ChargeClass,
    concat(logged_model, ' ', lower(sku_meter), ', ', tier, ' tier') AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    focus_moment(day + INTERVAL 1 DAY, $zone) AS ChargePeriodEnd,
    focus_moment(day, $zone) AS ChargePeriodStart,
    tokens::DECIMAL(38, 0) AS ConsumedQuantity,
    'Tokens' AS ConsumedUnit,
    cost_usd AS ContractedCost,
    unit_price AS ContractedUnitPrice,
    cost_usd AS EffectiveCost,
    provider AS HostProviderName,
    NULL::VARCHAR AS InvoiceId,
    invoice_issuer AS InvoiceIssuerName,
    cost_usd AS ListCost,
    unit_price AS ListUnitPrice,
    'Standard' AS PricingCategory,
    millionths(tokens) AS PricingQuantity,
    '1000000 Tokens' AS PricingUnit,
    provider AS ProviderName,
    provider AS PublisherName,
    'AI and Machine Learning' AS ServiceCategory,
    service AS ServiceName,
    provider AS ServiceProviderName,
    'Generative AI' AS ServiceSubcategory,
    sku AS SkuId,
    sku_meter AS SkuMeter,
    sku_details AS SkuPriceDetails,
    concat_ws('-', sku, tier, focus_number(unit_price)) AS SkuPriceId,
    sub_account AS SubAccountId,
    sub_account AS SubAccountName,
    CASE WHEN sub_account IS NOT NULL THEN sub_account_type END AS SubAccountType,
    focus_tags(team, api_key) AS Tags,
    booking AS x_Booking,
    logged_model AS x_ModelId,
    priced_as AS x_PricedAs,
    tier AS x_ProcessingTier,
    $zone AS x_TimeZone
FROM charges
CROSS JOIN account
ORDER BY day, sub_account NULLS FIRST, team NULLS FIRST, api_key NULLS FIRST, logged_model, priced_as,
    tier, place, unit_price, booking;
